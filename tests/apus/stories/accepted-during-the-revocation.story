# An entry is accepted while the revocation is under way
#
# n1 was asked for its vote when its log was empty, as n2's is, and has begun to revoke n0's access. That
# takes a while: the reset of a queue pair races with WRITEs, and an entry of n0 arrives first. n1 accepts it.
# Only when all control calls have returned is its log final. Then it compares, finds that n2 lacks the entry,
# and refuses.

hold timer *
hold arrive n0->*
fire n1 suspect
    n1 suspect timer: suspected 0, probed 1, now probing
drop n1->n2 probe
    lost: probe view=1 end=0.0
fire n2 suspect
    n2 suspect timer: suspected 0, probed 2, now probing
hold deliver n2->n0
run until n2 is candidate
    n0 <- n1 probe view=1 end=0.0
    n1 <- n2 probe view=2 end=0.0: granted 2
    n2 <- n1 grant view=2
    n2: fenced 2, joined 2, now candidate
hold control n1->*
run until possible control n1->n0
    n1 <- n2 vote view=2 attempt=0 end=0.0
hold arrive n0->n2
client 0 put k0 101
    c0 calls put k0 101
release arrive n0->*
run until n1 notes accepted 1
    n0 <- c0 put k0 101: appended 1
    n1: accepted 1
expect not client 0 answered
release control n1->*
run until n1 notes refused 2
    n1: fenced 2, joined 2, refused 2, now follower
show
    n0 leader, view 0, log 1-1 (last of view 0), stored 1, committed 0
    n1 follower, view 2, log 1-1 (last of view 0), stored 1, committed 0
    n2 candidate, view 2, log empty, stored 0, committed 0

# n2 has no votes. n0 learns that the others are in a later view, and asks for one that is later still.
release everything
run until n0 leads view 3
    n0 <- n2 vote view=2 attempt=0 end=0.0: refused 2 (3 times)
    n0 <- n2 probe view=2 end=0.0
    n0 beat timer: resent n1
    n1 <- n2 vote view=2 attempt=0 end=0.0: refused 2 (3 times)
    n0 gives up waiting for n2: write 56B n2 log bytes
    n0 is told of its write 56B n2 log bytes: retryExceeded: link-down n2
    n0 is told of its write 8B n2 cells cells[0].connection: flushed (2 times)
    n2 <- n0 follow view=0 attempt=1 end=0.1
    n0 <- n2 ahead view=2: now follower
    n0 <- n2 vote view=2 attempt=0 end=0.0
    n0: fenced 3, joined 3, now candidate
    n1 <- n0 vote view=3 attempt=0 end=0.1
    n2 <- n0 vote view=3 attempt=0 end=0.1: now follower
    n1 n2: fenced 3, joined 3
    n0 <- n1 joined view=3 attempt=0 up to 0: elected 3, appended 2, now leader
quietly run until client 0 answered done
heal
quietly run until converged
show
    n0 leader, view 3, log 1-3 (last of view 3), stored 3, committed 2
    n1 follower, view 3, log 1-3 (last of view 3), stored 3, committed 2
    n2 follower, view 3, log 1-3 (last of view 3), stored 3, committed 2
