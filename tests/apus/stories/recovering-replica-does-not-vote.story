# A replica that is recovering does not vote
#
# A put is stored by n0 and n1, and answered. n1 loses its memory, comes back, and follows n0 again, but has
# not seen the entry yet when n0 is cut off. n2, which never had it, asks for votes. n1 may have acknowledged
# anything in its former life: until it holds what n0 had, it neither votes nor grants. So nobody leads, and
# nothing is lost.

bites votes-before-caught-up violates committed-is-stored
bites vote-from-amnesia violates committed-is-stored
client 0 put k0 101
    c0 calls put k0 101
hold arrive n0->n2
run until client 0 answered done
    n0 <- c0 put k0 101: appended 1
    n1: accepted 1
    n0: committed 1, applied 1, replied c0
    c0 <- done
crash n1
restart n1
    n1 (incarnation 1): amnesia 1, now recovering
hold poll n1
run until n0 notes link-up 1
    n0 <- n1 recover life=1: link-down n1
    n2 <- n1 recover life=1 (2 times)
    n1 <- n0 follow view=0 attempt=1 end=0.1 (2 times)
    n1 <- n0 state view=0 leads end=1 life=1 (2 times)
    n1 <- n2 state view=0 end=0 life=1 (2 times)
    n0 <- n1 recover life=1
    n0 beat timer: appended 2
    n1: fenced 0, joined 0
    n0 <- n1 joined view=0 attempt=1 up to 0
    n0: link-up n1
cut n0 n1
cut n0 n2
hold timer n0 suspect
run 6 ms
    n2 <- n1 recover life=1 (15 times)
    n1 <- n2 state view=0 end=0 life=1 (15 times)
    n0 gives up waiting for n1: write 56B n1 log bytes
    n0 gives up waiting for n2: write 56B n2 log bytes
    n0 is told of its write 56B n1 log bytes: retryExceeded: link-down n1
    n0 is told of its write 56B n2 log bytes: retryExceeded: link-down n2
    n0 is told of its write 40B n1 log bytes+56: flushed
    n0 is told of its write 8B n2 cells cells[0].connection: flushed (3 times)
    n0 is told of its write 8B n1 cells cells[0].connection: flushed (3 times)
    n0 is told of its write 40B n2 log bytes+56: flushed
    n2 suspect timer: suspected 0, probed 2, now probing
    n1 <- n2 probe view=2 end=0.0 (3 times)
    n1 suspect timer: suspected 0
    n2 suspect timer: probed 2 (2 times)
show
    n0 leader, view 0, log 1-2 (last of view 0), stored 2, committed 1
    n1 recovering, view 0, log empty, stored 0, committed 0
    n2 probing, view 0, log empty, stored 0, committed 0
expect not n2 is leader
expect n1 is recovering

# n0 is heard again, and n1 and n2 get from it what they lack.
heal n0 n1
heal n0 n2
release everything
quietly run until committed 1 at n0 n1 n2
show
    n0 leader, view 0, log 1-2 (last of view 0), stored 2, committed 1
    n1 follower, view 0, log 1-2 (last of view 0), stored 2, committed 1
    n2 probing, view 0, log 1-2 (last of view 0), stored 2, committed 1
heal
quietly run until converged
