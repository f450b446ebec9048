# The log wraps during an election
#
# With these bounds a ring has room for four longest entries. The fifth goes over the first. n0 dies while the
# WRITE of the fifth is half placed in n1's memory: new words over old ones, and both from a leader that n1
# followed. Nothing that n1 has accepted is touched, for it keeps a copy of its own.

window 1
retained 1
client 0 put k0 101 in 3 words
    c0 calls put k0 101
run until client 0 answered
    n0 <- c0 put k0 101: appended 1
    n1 n2: accepted 1
    n0: committed 1, applied 1, replied c0
    c0 <- done
client 0 put k1 102 in 3 words
    c0 calls put k1 102
run until client 0 answered
    n0 <- c0 put k1 102: appended 2
    n1 n2: accepted 2, committed 1, applied 1
    n0: committed 2, applied 2, replied c0
    c0 <- done
client 0 put k0 103 in 3 words
    c0 calls put k0 103
run until client 0 answered
    n0 <- c0 put k0 103: recycled 0, appended 3
    n1 n2: accepted 3, committed 2, applied 2, recycled 0
    n0: committed 3, applied 3, replied c0
    c0 <- done
client 0 put k1 104 in 3 words
    c0 calls put k1 104
quietly run until client 0 answered
show
    n0 leader, view 0, log 2-4 (last of view 0), stored 4, committed 4
    n1 follower, view 0, log 2-4 (last of view 0), stored 4, committed 3
    n2 follower, view 0, log 2-4 (last of view 0), stored 4, committed 3
client 0 put k0 105 in 3 words
    c0 calls put k0 105
hold place n0->n1
sever n0->n2
run until possible place n0->n1 word 0
    n0 <- c0 put k0 105: recycled 2, appended 5
place n0->n1 word 0
    write 72B n1 log bytes word 0
place n0->n1 word 1
    write 72B n1 log bytes word 1
place n0->n1 word 4
    write 72B n1 log bytes word 4
crash n0

# n1 votes for n2, which lays the entry of its own view down at the same place. Before n1 has looked, the rest
# of the dead leader's words lands on top of it. What lies there now is no entry of anybody: n1 does not
# acknowledge it, and n2, which sees that n1 stands still, sends the entry once more.
run until n2 leads view 2
    n1 suspect timer: suspected 0, probed 1, now probing
    n2 <- n1 probe view=1 end=0.4
    n2 suspect timer: suspected 0, probed 2, now probing
    n1 <- n2 probe view=2 end=0.4: granted 2
    n2 <- n1 grant view=2
    n2: fenced 2, joined 2, now candidate
    n1 <- n2 vote view=2 attempt=0 end=0.4
    n1: fenced 2, joined 2, now follower
    n2 <- n1 joined view=2 attempt=0 up to 3: elected 2, recycled 2, appended 5, now leader
hold poll n1
run until n2 notes link-up 1
    n2: link-up n1
run 10 us
release place n0->n1
run 10 us
release poll n1
run until n2 notes resent 1
    n1: accepted 4
    n2 beat timer: resent n1
run until committed 5 at n2
    n1: accepted 5, recycled 2
    n2: committed 5, applied 4, replied c0, applied 5
show
    n0 down
    n1 follower, view 2, log 3-5 (last of view 2), stored 5, committed 3
    n2 leader, view 2, log 3-5 (last of view 2), stored 5, committed 5
run until client 0 answered done
    c0 <- done (stale)
    n2 beat timer: recycled 3, appended 6
    n1: accepted 6, committed 5, applied 4, applied 5, recycled 3
    n2: committed 6, applied 6
    c0 asks again: put k0 105 (2 times)
    n1 <- c0 put k0 105: redirected c0
    n2 <- c0 put k0 105: recycled 4, appended 7
    n1: accepted 7, committed 6, applied 6, recycled 4
    n2: committed 7, applied 7, replied c0
    c0 <- done
heal
    n0: amnesia 1, now recovering
quietly run until converged
show
    n0 follower, view 2, log empty, stored 8, committed 8
    n1 follower, view 2, log 6-8 (last of view 2), stored 8, committed 7
    n2 leader, view 2, log 6-8 (last of view 2), stored 8, committed 8
