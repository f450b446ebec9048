# A read at a leader that has been deposed
#
# n0 is cut off and still thinks that it leads. n1 and n2 elect n2, and a client puts a new value there. Then
# another client asks n0 for the value. n0 has it in memory, and does not answer: it READs the status words of
# a majority first, and cannot. The client gives n0 up, asks n2 in the end, and sees the new value.

bites read-unconfirmed violates linearizable
client 0 put k0 101
    c0 calls put k0 101
quietly run until client 0 answered done
cut n0 n1
cut n0 n2
hold timer n0 suspect
quietly run until n2 leads view 2
client 1 put k0 201
    c1 calls put k0 201
retry c1
    c1 asks again: put k0 201
retry c1
    c1 asks again: put k0 201
run until client 1 answered done
    n0 <- c1 put k0 201: appended 3
    n1 <- c1 put k0 201: redirected c1
    n2 <- c1 put k0 201: full c1
    n2: link-up n1
    n1: accepted 1
    n1: accepted 2
    n2: full c1 (2 times)
    n2: committed 2, applied 1, replied c0, applied 2, appended 3
    n1: accepted 3, committed 2, applied 1, applied 2
    n2: committed 3, applied 3, replied c1
    c0 <- done (stale)
    c1 <- done
show
    n0 leader, view 0, log 1-3 (last of view 0), stored 3, committed 1
    n1 follower, view 2, log 1-3 (last of view 2), stored 3, committed 2
    n2 leader, view 2, log 1-3 (last of view 2), stored 3, committed 3
client 0 get k0
    c0 calls get k0
run until client 0 answered
    n2 beat timer: appended 4
    n1: accepted 4, committed 3, applied 3
    n2: committed 4, applied 4
    c0 asks again: get k0 (2 times)
    n1 <- c0 get k0: redirected c0
    n2: read-confirmed 2, replied c0
    c0 <- value 201
expect client 0 answered value 201
heal
quietly run until converged
