# A candidate was granted, and then the log grew
#
# n1 and n2 miss the heartbeats; n2 grants what n1 probes for, and n1 moves on to view 1. Then the heartbeats
# come through, and n0 and n2 commit a put. When n1 asks for votes both compare its last entry with theirs and
# refuse. Comparing at the time of the grant would have been too early.

bites position-read-before-revocation violates leader-has-all-committed
bites votes-for-anyone violates leader-has-all-committed
hold timer *
hold arrive n0->*
fire n2 suspect
    n2 suspect timer: suspected 0, probed 2, now probing
drop n2->n1 probe
    lost: probe view=2 end=0.0
fire n1 suspect
    n1 suspect timer: suspected 0, probed 1, now probing
hold deliver n1->n0
run until n1 is candidate
    n0 <- n2 probe view=2 end=0.0
    n2 <- n1 probe view=1 end=0.0: granted 1
    n1 <- n2 grant view=1
    n1: fenced 1, joined 1, now candidate
hold deliver n1->n2
client 0 put k0 101
    c0 calls put k0 101
release arrive n0->*
run until client 0 answered done
    n0 <- c0 put k0 101: appended 1
    n2: accepted 1
    n0: committed 1, applied 1, replied c0
    c0 <- done
release deliver n1->n2
release deliver n1->n0
run until n0 notes refused 1 and n2 notes refused 1
    n0 <- n1 vote view=1 attempt=0 end=0.0: refused 1
    n0 <- n1 probe view=1 end=0.0
    n2 <- n1 vote view=1 attempt=0 end=0.0: refused 1
show
    n0 leader, view 0, log 1-1 (last of view 0), stored 1, committed 1
    n1 candidate, view 1, log empty, stored 0, committed 0
    n2 probing, view 0, log 1-1 (last of view 0), stored 1, committed 0

# n1 has left view 0 for good, but n0 leads it. When n1 is asked to follow it answers that it is ahead. A
# leader that has a majority takes it along to a view that is later still.
release everything
run until n0 leads view 3
    n0 beat timer: appended 2
    n2: accepted 2, committed 1, applied 1
    n0: committed 2, applied 2
    n0 <- n1 vote view=1 attempt=0 end=0.0: refused 1 (2 times)
    n2 <- n1 vote view=1 attempt=0 end=0.0: refused 1 (3 times)
    n0 gives up waiting for n1: write 56B n1 log bytes
    n0 is told of its write 56B n1 log bytes: retryExceeded: link-down n1
    n0 is told of its write 8B n1 cells cells[0].connection: flushed (2 times)
    n0 is told of its write 40B n1 log bytes+56: flushed
    n1 <- n0 follow view=0 attempt=1 end=0.2
    n0 <- n1 ahead view=1: now follower
    n0 <- n1 vote view=1 attempt=0 end=0.0
    n0: fenced 3, joined 3, now candidate
    n1 <- n0 vote view=3 attempt=0 end=0.2: now follower
    n2 <- n0 vote view=3 attempt=0 end=0.2
    n1: fenced 3, joined 3
    n2: fenced 3, joined 3, now follower
    n0 <- n1 joined view=3 attempt=0 up to 0: elected 3, appended 3, now leader
run until converged
    n0 <- n2 joined view=3 attempt=0 up to 1 (2 times)
    n2 <- n0 follow view=3 attempt=0 end=3.3
    n0: link-up n1
    n0: link-up n2
    n1: accepted 1
    n2: accepted 2
    n1: accepted 2, committed 1, applied 1
show
    n0 leader, view 3, log 1-3 (last of view 3), stored 3, committed 2
    n1 follower, view 3, log 1-2 (last of view 0), stored 2, committed 1
    n2 follower, view 3, log 1-2 (last of view 0), stored 2, committed 1
