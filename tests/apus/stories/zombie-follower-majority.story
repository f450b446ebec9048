# A majority of zombies
#
# The processes of n1 and n2 stop while their NICs go on: WRITEs to them succeed, and every completion says
# ok. A completion says that a NIC has the bytes, not that a replica has stored them. Nothing is committed on
# the strength of completions, however many there are.

bites completion-is-acknowledgement violates committed-is-stored
client 0 put k0 101
    c0 calls put k0 101
pause n1
pause n2
run 2 ms
    n0 <- c0 put k0 101: appended 1
    n0 beat timer: resent n1, resent n2 (2 times)
expect not client 0 answered
show
    n0 leader, view 0, log 1-1 (last of view 0), stored 1, committed 0
    n1 follower (paused), view 0, log empty, stored 0, committed 0
    n2 follower (paused), view 0, log empty, stored 0, committed 0

# One of them goes on, finds the entry in its memory, stores it, and says so. That is a majority.
resume n1
run until client 0 answered done
    n1: accepted 1
    n0: committed 1, applied 1, replied c0
    c0 <- done
resume n2
run until converged
    n2: accepted 1
    n0 beat timer: appended 2
    n1 n2: accepted 2, committed 1, applied 1
