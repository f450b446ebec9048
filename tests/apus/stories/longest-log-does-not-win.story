# The longest log does not win
#
# n0 is cut off with three entries in its hands that nobody else gets. n1 and n2 elect n2, which commits an
# entry of its own in view 2. Then n2 stops and n0 is heard again. n0 has the longer log, but its last entry
# is of view 0, and n1's is of view 2: n1, which misses the leader too, does not grant what n0 probes for.

window 3
bites longest-log-wins violates leader-has-all-committed
bites votes-for-anyone violates leader-has-all-committed
cut n0 n1
cut n0 n2
hold retry *
client 0 put k0 101
    c0 calls put k0 101
client 1 put k0 201
    c1 calls put k0 201
client 2 put k0 301
    c2 calls put k0 301
run until end 3 at n0
    n0 <- c0 put k0 101: appended 1
    n0 <- c1 put k0 201: appended 2
    n0 <- c2 put k0 301: appended 3
run until committed 1 at n2
    n0 gives up waiting for n1: write 56B n1 log bytes
    n0 gives up waiting for n2: write 56B n2 log bytes
    n0 is told of its write 56B n1 log bytes: retryExceeded: link-down n1
    n0 is told of its write 56B n2 log bytes: retryExceeded: link-down n2
    n0 is told of its write 56B n1 log bytes+56: flushed
    n0 is told of its write 56B n2 log bytes+56: flushed
    n0 is told of its write 56B n1 log bytes+112: flushed
    n0 is told of its write 56B n2 log bytes+112: flushed
    n0 is told of its write 8B n1 cells cells[0].connection: flushed (2 times)
    n0 is told of its write 8B n2 cells cells[0].connection: flushed (2 times)
    n1 suspect timer: suspected 0, probed 1, now probing
    n2 <- n1 probe view=1 end=0.0
    n2 suspect timer: suspected 0, probed 2, now probing
    n1 <- n2 probe view=2 end=0.0: granted 2
    n2 <- n1 grant view=2
    n2: fenced 2, joined 2, now candidate
    n1 <- n2 vote view=2 attempt=0 end=0.0
    n1: fenced 2, joined 2, now follower
    n2 <- n1 joined view=2 attempt=0 up to 0: elected 2, appended 1, now leader
    n2: link-up n1
    n1: accepted 1
    n2: committed 1, applied 1
pause n2
show
    n0 leader, view 0, log 1-3 (last of view 0), stored 3, committed 0
    n1 follower, view 2, log 1-1 (last of view 2), stored 1, committed 0
    n2 leader (paused), view 2, log 1-1 (last of view 2), stored 1, committed 1
heal n0 n1
heal n0 n2
run until n0 is follower and view 2 at n0
    n1 <- n0 follow view=0 attempt=1 end=0.3 (4 times)
    n0 <- n1 probe view=1 end=0.0
    n0 <- n2 vote view=2 attempt=0 end=0.0: refused 2
    n0 <- n2 probe view=2 end=0.0
    n0 <- n2 follow view=2 attempt=0 end=2.1: now follower
    n0 <- n1 ahead view=2 (4 times)
    n0: fenced 2, joined 2
hold timer *
fire n1 suspect x2
    n1 suspect timer
    n1 suspect timer: suspected 2, probed 4, now probing
drop n1->n0 probe
    lost: probe view=4 end=2.1
fire n0 suspect
    n0 suspect timer: suspected 2, probed 3, now probing
run 50 us
    n1 <- n0 probe view=3 end=0.3
expect n0 is probing
show
    n0 probing, view 2, log 1-3 (last of view 0), stored 3, committed 0
    n1 probing, view 2, log 1-1 (last of view 2), stored 1, committed 0
    n2 leader (paused), view 2, log 1-1 (last of view 2), stored 1, committed 1

# Then n1 asks, and n0 has nothing to say against it.
release timer *
run until n1 is leader
    n0 suspect timer: probed 3
    n1 <- n0 probe view=3 end=0.3
    n1 suspect timer: probed 4
    n0 <- n1 probe view=4 end=2.1: granted 4
    n1 <- n0 grant view=4
    n1: fenced 4, joined 4, now candidate
    n0 <- n1 vote view=4 attempt=0 end=2.1
    n0: fenced 4, joined 4, now follower
    n1 <- n0 joined view=4 attempt=0 up to 0: elected 4, appended 1, now leader
show
    n0 follower, view 4, log 1-3 (last of view 0), stored 3, committed 0
    n1 leader, view 4, log 1-1 (last of view 4), stored 1, committed 0
    n2 leader (paused), view 2, log 1-1 (last of view 2), stored 1, committed 1
release retry *
resume n2
run until client 0 answered and client 1 answered and client 2 answered
    n2 <- n0 joined view=2 attempt=0 up to 0
    n2 <- n0 probe view=3 end=0.3 (2 times)
    n2 <- n0 follow view=0 attempt=1 end=0.3 (4 times)
    n2 <- n1 vote view=4 attempt=0 end=2.1
    n2 <- n1 probe view=4 end=2.1 (2 times)
    n2 <- n1 follow view=4 attempt=0 end=4.1
    n1: link-up n0
    n0: accepted 1, replaced 1
    n1: committed 1, applied 1
    n2: link-up n0
    n2 <- n1 follow view=4 attempt=0 end=4.1: now follower
    n2: fenced 4, joined 4
    n1 <- n2 joined view=4 attempt=0 up to 1
    n1: link-up n2
    c0 asks again: put k0 101
    n1 <- c0 put k0 101: appended 2
    n0: accepted 2, committed 1, applied 1
    n2: accepted 2
    n1: committed 2, applied 2, replied c0
    c0 <- done
    n1 beat timer: appended 3
    n0 n2: accepted 3, committed 2, applied 2
    n1: committed 3, applied 3
    c1 asks again: put k0 201
    c2 asks again: put k0 301
    n1 <- c1 put k0 201: appended 4
    n1 <- c2 put k0 301: appended 5
    n0 n2: accepted 4, committed 3, applied 3
    n0 n2: accepted 5
    n1: committed 4, applied 4, replied c1
    n1: committed 5, applied 5, replied c2
    c1 <- done
    c2 <- done
heal
quietly run until converged
show
    n0 follower, view 4, log 1-6 (last of view 4), stored 6, committed 5
    n1 leader, view 4, log 1-6 (last of view 4), stored 6, committed 5
    n2 follower, view 4, log 1-6 (last of view 4), stored 6, committed 5
