# A new leader reads nothing before it has committed an entry of its own view
#
# n2 has the put and does not know that it is committed: that would have come with the next entry. n0 dies,
# and n2 leads view 2. What n2 has applied may lag behind what clients were told, and a confirmation by a
# majority does not help with that. So the read waits until n2's NOP is committed, and with it everything
# before.

bites read-before-own-view violates linearizable
client 0 put k0 101
    c0 calls put k0 101
run until client 0 answered done
    n0 <- c0 put k0 101: appended 1
    n1 n2: accepted 1
    n0: committed 1, applied 1, replied c0
    c0 <- done
crash n0
hold place n1->n2
run until n2 leads view 2
    n1 suspect timer: suspected 0, probed 1, now probing
    n2 <- n1 probe view=1 end=0.1
    n2 suspect timer: suspected 0, probed 2, now probing
    n1 <- n2 probe view=2 end=0.1: granted 2
    n2 <- n1 grant view=2
    n2: fenced 2, joined 2, now candidate
    n1 <- n2 vote view=2 attempt=0 end=0.1
    n1: fenced 2, joined 2, now follower
    n2 <- n1 joined view=2 attempt=0 up to 0: elected 2, appended 2, now leader
client 1 get k0
    c1 calls get k0
retry c1
    c1 asks again: get k0
retry c1
    c1 asks again: get k0
run 100 us
    n1 <- c1 get k0: redirected c1
    n2: link-up n1
expect committed exactly 0 at n2
show
    n0 down
    n1 follower, view 2, log 1-1 (last of view 0), stored 1, committed 0
    n2 leader, view 2, log 1-2 (last of view 2), stored 2, committed 0
release place n1->n2
run until client 1 answered
    n1: accepted 1
    n1: accepted 2
    n2: committed 2, applied 1, replied c0, applied 2
    n2: read-confirmed 2, replied c1
    c0 <- done (stale)
    c1 <- value 101
expect client 1 answered value 101
heal
    n0: amnesia 1, now recovering
quietly run until converged
