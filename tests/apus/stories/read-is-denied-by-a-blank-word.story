# A replica without memory confirms no read
#
# n1 has lost its memory. It is connected to n0 again, and has not caught up: its process is slow to look at
# its memory, and its status word is blank. A READ of the word succeeds, and says nothing; n1 may have
# promised another leader something that it has forgotten. So a client's read waits for the words of two
# others, or until n1 is a member again.

nodes 5
bites blank-word-confirms violates confirmed-by-members
client 0 put k0 101
    c0 calls put k0 101
quietly run until client 0 answered done
crash n1
restart n1
    n1 (incarnation 1): amnesia 1, now recovering
hold poll n1
run until n0 notes link-up 1
    n0 <- n1 recover life=1: link-down n1
    n2 <- n1 recover life=1 (2 times)
    n3 <- n1 recover life=1 (2 times)
    n4 <- n1 recover life=1 (2 times)
    n1 <- n0 follow view=0 attempt=1 end=0.1 (2 times)
    n1 <- n0 state view=0 leads end=1 life=1 (2 times)
    n1 <- n2 state view=0 end=1 life=1 (2 times)
    n1 <- n3 state view=0 end=1 life=1 (2 times)
    n1 <- n4 state view=0 end=1 life=1 (2 times)
    n0 <- n1 recover life=1
    n0 beat timer: appended 2
    n2 n3 n4: accepted 2, committed 1, applied 1
    n0: committed 2, applied 2
    n1: fenced 0, joined 0
    n0 <- n1 joined view=0 attempt=1 up to 0
    n0: link-up n1
hold arrive n0->n2
hold arrive n0->n3
hold arrive n0->n4
client 0 get k0
    c0 calls get k0
run until n0 notes read-denied 1
    n0: read-denied n1
expect not client 0 answered value 101
release arrive n0->n2
run 20 us
expect not client 0 answered value 101
release arrive n0->n3
run until client 0 answered value 101
    n0: read-confirmed 0, replied c0
    n0 <- n1 recover life=1
    n2 <- n1 recover life=1
    n3 <- n1 recover life=1
    n4 <- n1 recover life=1
    c0 <- value 101
expect n1 is recovering
release everything
heal
quietly run until converged
