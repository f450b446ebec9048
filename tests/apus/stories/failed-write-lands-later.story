# A WRITE that was reported failed lands later
#
# The queue pair from n0 to n1 loses its way while the entry's packet is in the network. n0's NIC gives up
# waiting and reports an error. An error says nothing about what has happened: the packet reaches n1's memory
# afterwards, and n1 accepts a whole entry. That does no harm, for the entry is the leader's. n1's
# acknowledgement travels on a queue pair whose other end has failed, and is lost; what it would have said n1
# says when it joins again. A leader that took the entry back, for its WRITE has failed, would be wrong.

bites failed-write-taken-back violates accepted-from-own-leader
crash n2
client 0 put k0 101
    c0 calls put k0 101
sever n0->n1
run until possible expire n0->n1
    n0 <- c0 put k0 101: appended 1
expire n0->n1
    n0 gives up waiting for n1: write 56B n1 log bytes
run until n0 notes link-down
    n0 is told of its write 56B n1 log bytes: retryExceeded: link-down n1
mend n0->n1
land n0->n1 late
    late write 56B n1 log bytes from n0 lands
run until n1 notes accepted 1
    n1: accepted 1
expect not client 0 answered
run until client 0 answered done
    n1 <- n0 follow view=0 attempt=1 end=0.1
    n1: fenced 0
    n0 <- n1 joined view=0 attempt=1 up to 1
    n0: link-up n1
    n0: committed 1, applied 1, replied c0
    c0 <- done

# On the new connection nothing can land that was sent on the old one.
sever n0->n1
client 0 put k0 102
    c0 calls put k0 102
run until possible expire n0->n1
    n0 <- c0 put k0 102: appended 2
expire n0->n1
    n0 gives up waiting for n1: write 56B n1 log bytes+56
run until n0 notes link-up
    n0 is told of its write 56B n1 log bytes+56: retryExceeded: link-down n1
    n1 <- n0 follow view=0 attempt=2 end=0.2
    n1: fenced 0
    n0 <- n1 joined view=0 attempt=2 up to 1
    n0: link-up n1
expect not possible land n0->n1
mend n0->n1
run until client 0 answered done
    n1: accepted 2, committed 1, applied 1
    n0: committed 2, applied 2, replied c0
    c0 <- done
heal
    n2: amnesia 1, now recovering
quietly run until converged
show
    n0 leader, view 0, log 1-3 (last of view 0), stored 3, committed 3
    n1 follower, view 0, log 1-3 (last of view 0), stored 3, committed 2
    n2 follower, view 0, log 1-3 (last of view 0), stored 3, committed 2
