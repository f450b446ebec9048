# The log is full, and the leader waits
#
# The packets from n0 to n2 do not leave. n1 acknowledges, so entries are committed and n2 is not needed for
# that. But n0's NIC has still to fetch the bytes of the first entry for n2, and may do so at any time: n0
# must not lay another entry over them. When the ring is used up the next request waits. It is not refused,
# and nothing is lost.

window 1
retained 1
bites recycled-too-early violates fetched-as-posted
hold arrive n0->n2
client 0 put k0 101
    c0 calls put k0 101
quietly run until client 0 answered done
client 0 put k1 102
    c0 calls put k1 102
quietly run until client 0 answered done
client 0 put k0 103
    c0 calls put k0 103
quietly run until client 0 answered done
client 0 put k1 104
    c0 calls put k1 104
run 100 us
    n0 <- c0 put k1 104: full c0
show
    n0 leader, view 0, log 1-3 (last of view 0), stored 3, committed 3
    n1 follower, view 0, log 1-3 (last of view 0), stored 3, committed 2
    n2 follower, view 0, log empty, stored 0, committed 0

# Once the packets have left, the first entries may be dropped.
release arrive n0->n2
run until client 0 answered done
    n2: accepted 1
    n2: accepted 2, committed 1, applied 1
    n2: accepted 3, committed 2, applied 2, recycled 0
    n0: recycled 1, appended 4
    n1 n2: accepted 4, committed 3, applied 3, recycled 1
    n0: committed 4, applied 4, replied c0
    c0 <- done
heal
quietly run until converged
show
    n0 leader, view 0, log 3-5 (last of view 0), stored 5, committed 4
    n1 follower, view 0, log 3-5 (last of view 0), stored 5, committed 4
    n2 follower, view 0, log 3-5 (last of view 0), stored 5, committed 4
