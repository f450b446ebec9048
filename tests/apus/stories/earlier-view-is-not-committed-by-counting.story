# An entry of an earlier view is not committed by counting its copies
#
# n1 leads view 1 with an entry of view 0 that it alone has, and sends it to n2. Now a majority has stored it,
# and still it is not committed: a replica with a later entry in its place could win an election (Raft,
# section 5.4.2). n1 counts copies of entries of its own view only. With the first of these everything before
# it is committed.

bites older-view-committed violates own-view-committed-first
client 0 put k0 101
    c0 calls put k0 101
hold reply c0
sever n0->n2
run until stored 1 at n1
    n0 <- c0 put k0 101: appended 1
    n1: accepted 1
crash n0
hold place n1->n2
run until n1 leads view 1
    n1 gives up waiting for n0: write 8B n0 cells cells[1].connection
    n1 is told of its write 8B n0 cells cells[1].connection: retryExceeded
    n1 suspect timer: suspected 0, probed 1, now probing
    n2 <- n1 probe view=1 end=0.1
    n2 suspect timer: suspected 0, probed 2, now probing
    n1 <- n2 probe view=2 end=0.0
    c0 asks again: put k0 101
    n1 <- c0 put k0 101: redirected c0
    n1 suspect timer: probed 1
    n2 <- n1 probe view=1 end=0.1: granted 1
    n1 <- n2 grant view=1
    n1: fenced 1, joined 1, now candidate
    n2 <- n1 vote view=1 attempt=0 end=0.1
    n2: fenced 1, joined 1, now follower
    n1 <- n2 joined view=1 attempt=0 up to 0: elected 1, appended 2, now leader
run until possible place n1->n2 log bytes word 6
    n1: link-up n2
place n1->n2 log bytes word x7
    write 56B n2 log bytes word 0
    write 56B n2 log bytes word 1
    write 56B n2 log bytes word 2
    write 56B n2 log bytes word 3
    write 56B n2 log bytes word 4
    write 56B n2 log bytes word 5
    write 56B n2 log bytes word 6
run until stored 1 at n2
    n2: accepted 1
run 10 us
show
    n0 down
    n1 leader, view 1, log 1-2 (last of view 1), stored 2, committed 0
    n2 follower, view 1, log 1-1 (last of view 0), stored 1, committed 0
expect committed exactly 0 at n1

release place n1->n2
run until committed 2 at n1
    n2: accepted 2
    n1: committed 2, applied 1, replied c0, applied 2
release reply c0
run until client 0 answered done
    c0 <- done
heal
    n0: amnesia 1, now recovering
quietly run until converged
