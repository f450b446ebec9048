# A replica that was away is brought up by a snapshot
#
# n2's process stops. The others need no acknowledgement of it, and drop entries that it has not seen. When it
# goes on, the leader freezes a copy of what the applied entries have made, with the client table, and n2
# fetches it by a one-sided READ. The entries behind it come as usual.

window 1
retained 1
bites table-not-in-snapshot violates agreement
client 0 put k0 101
    c0 calls put k0 101
quietly run until client 0 answered done
pause n2
client 0 put k0 102
    c0 calls put k0 102
quietly run until client 0 answered done
client 0 put k1 103
    c0 calls put k1 103
quietly run until client 0 answered done
client 0 put k0 104
    c0 calls put k0 104
quietly run until client 0 answered done
client 0 put k1 105
    c0 calls put k1 105
quietly run until client 0 answered done
client 1 put k0 201
    c1 calls put k0 201
quietly run until client 1 answered done
client 1 put k1 202
    c1 calls put k1 202
quietly run until client 1 answered done
client 1 put k0 203
    c1 calls put k0 203
quietly run until client 1 answered done
client 1 put k1 204
    c1 calls put k1 204
quietly run until client 1 answered done
show
    n0 leader, view 0, log 7-9 (last of view 0), stored 9, committed 9
    n1 follower, view 0, log 7-9 (last of view 0), stored 9, committed 8
    n2 follower (paused), view 0, log 1-1 (last of view 0), stored 1, committed 0
resume n2
run until converged
    n2: accepted 2, committed 1, applied 1
    n2: accepted 3, committed 2, applied 2, recycled 0
    n2: accepted 4, committed 3, applied 3, recycled 1
    n0 beat timer: frozen 9, recycled 7, appended 10
    n1: accepted 10, committed 9, applied 9, recycled 7
    n0: committed 10, applied 10
    n2 <- n0 snapshot view=0 up to 9
    n2: restored 9
show
    n0 leader, view 0, log 8-10 (last of view 0), stored 10, committed 10
    n1 follower, view 0, log 8-10 (last of view 0), stored 10, committed 9
    n2 follower, view 0, log empty, stored 9, committed 9
