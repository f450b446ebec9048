# A lost acknowledgement
#
# n2 is down, so the leader needs n1. n1 stores the entry and acknowledges it by a WRITE into n0's memory, but
# the queue pair has lost its way to n0: n1's NIC gives up, and the acknowledgement never arrives. Nothing
# tells n0 of it. A queue pair that has failed at one end answers nothing, so a WRITE of n0 ends in an error
# when its NIC's patience is at an end; then n0 asks n1 to join again under another connection. The answer
# says up to where n1's log agrees, which is what the acknowledgement would have said.

crash n2
client 0 put k0 101
    c0 calls put k0 101
sever n1->n0
run until possible expire n1->n0
    n0 <- c0 put k0 101: appended 1
    n1: accepted 1
expire n1->n0
    n1 gives up waiting for n0: write 8B n0 cells cells[1].connection
mend n1->n0
land n1->n0 is lost
    late write 8B n0 cells cells[1].connection is lost from n1
run 100 us
    n1 is told of its write 8B n0 cells cells[1].connection: retryExceeded
expect not client 0 answered
run until client 0 answered done
    n0 gives up waiting for n2: write 56B n2 log bytes
    n0 is told of its write 56B n2 log bytes: retryExceeded: link-down n2
    n0 is told of its write 8B n2 cells cells[0].connection: flushed (2 times)
    n1 suspect timer: suspected 0, probed 1, now probing
    n0 <- n1 probe view=1 end=0.1
    n0 gives up waiting for n1: write 8B n1 cells cells[0].connection
    n0 is told of its write 8B n1 cells cells[0].connection: retryExceeded: link-down n1
    n0 is told of its write 8B n1 cells cells[0].connection: flushed (3 times)
    n1 <- n0 follow view=0 attempt=1 end=0.1
    n1: fenced 0
    n0 <- n1 joined view=0 attempt=1 up to 1
    n0: link-up n1
    n0: committed 1, applied 1, replied c0
    c0 <- done
heal
    n2: amnesia 1, now recovering
quietly run until converged
show
    n0 leader, view 0, log 1-2 (last of view 0), stored 2, committed 2
    n1 probing, view 0, log 1-2 (last of view 0), stored 2, committed 1
    n2 follower, view 0, log 1-2 (last of view 0), stored 2, committed 1
