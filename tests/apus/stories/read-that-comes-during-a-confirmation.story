# A read that comes while a confirmation is under way waits for the next one
#
# n0 has asked n1 and n2, for a first read, whether it still leads, and their words that say so are on their
# way back. In the meantime n2 is elected, and a put is answered. A second read comes to n0. The words serve
# the first read, which came before they were read. It is answered with the old value, and that is right, for
# it began before the put. They say nothing about the time since, and so do not serve the second.

bites confirmation-remembered violates confirmed-in-this-round
client 0 put k0 101
    c0 calls put k0 101
quietly run until client 0 answered done
hold answer n0->*
hold complete n0->*
hold timer n0 suspect
client 1 get k0
    c1 calls get k0
run until possible answer n0->n1 and possible answer n0->n2
hold arrive n0->*
hold deliver n2->n0
run until n2 leads view 2
    n0 beat timer: appended 2
    n1 suspect timer: suspected 0, probed 1, now probing
    n0 <- n1 probe view=1 end=0.1
    n2 <- n1 probe view=1 end=0.1
    n2 suspect timer: suspected 0, probed 2, now probing
    n1 <- n2 probe view=2 end=0.1: granted 2
    n2 <- n1 grant view=2
    n2: fenced 2, joined 2, now candidate
    n1 <- n2 vote view=2 attempt=0 end=0.1
    n1: fenced 2, joined 2, now follower
    n2 <- n1 joined view=2 attempt=0 up to 0: elected 2, appended 2, now leader
client 2 put k0 301
    c2 calls put k0 301
retry c2
    c2 asks again: put k0 301
retry c2
    c2 asks again: put k0 301
run until client 2 answered done
    n0 <- c2 put k0 301: appended 3
    n1 <- c2 put k0 301: redirected c2
    n2 <- c2 put k0 301: full c2
    n2: link-up n1
    n1: accepted 1
    n1: accepted 2
    n2: full c2 (2 times)
    n2: committed 2, applied 1, replied c0, applied 2, appended 3
    n1: accepted 3, committed 2, applied 1, applied 2
    n2: committed 3, applied 3, replied c2
    c0 <- done (stale)
    c2 <- done
hold retry *
client 0 get k0
    c0 calls get k0
run 20 us
show
    n0 leader, view 0, log 1-3 (last of view 0), stored 3, committed 1
    n1 follower, view 2, log 1-3 (last of view 2), stored 3, committed 2
    n2 leader, view 2, log 1-3 (last of view 2), stored 3, committed 3
release answer n0->*
release complete n0->*
run 20 us
    n0: read-confirmed 0, replied c1
    c1 <- value 101
show
    n0 leader, view 0, log 1-3 (last of view 0), stored 3, committed 1
    n1 follower, view 2, log 1-3 (last of view 2), stored 3, committed 2
    n2 leader, view 2, log 1-3 (last of view 2), stored 3, committed 3
release everything
run until client 1 answered and client 0 answered
    n0 <- n2 vote view=2 attempt=0 end=0.1: refused 2
    n0 <- n2 probe view=2 end=0.1
    n0 <- n2 follow view=2 attempt=0 end=2.2: now follower
    n0 <- n2 follow view=2 attempt=0 end=2.3
    n2 beat timer: appended 4
    n1: accepted 4, committed 3, applied 3
    n2: committed 4, applied 4
    n0: fenced 2, joined 2
    n2 <- n0 joined view=2 attempt=0 up to 1
    n2: link-up n0
    n0: accepted 2, replaced 2
    n0: accepted 3, committed 2, applied 2
    n0: accepted 4, committed 3, applied 3
    c0 asks again: get k0 (2 times)
    n1 <- c0 get k0: redirected c0
    n2: read-confirmed 2, replied c0
    c0 <- value 301
expect client 0 answered value 301
heal
quietly run until converged
