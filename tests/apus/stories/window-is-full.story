# The window is full
#
# With a window of 1 a leader has one uncommitted entry at a time. The requests of two other clients wait at
# the leader until it is committed; nothing is lost and nobody is refused.

window 1
client 0 put k0 101
    c0 calls put k0 101
client 1 put k0 201
    c1 calls put k0 201
client 2 put k0 301
    c2 calls put k0 301
hold place n1->n0
hold place n2->n0
run 100 us
    n0 <- c0 put k0 101: appended 1
    n0 <- c1 put k0 201: full c1
    n0 <- c2 put k0 301: full c1
    n1 n2: accepted 1
    n0: full c1 (2 times)
expect end exactly 1 at n0
release everything
run until client 0 answered done and client 1 answered done and client 2 answered done
    n0: committed 1, applied 1, replied c0, appended 2, full c2
    n1 n2: accepted 2, committed 1, applied 1
    n0: full c2 (2 times)
    n0: committed 2, applied 2, replied c1, appended 3
    n1 n2: accepted 3, committed 2, applied 2
    n0: committed 3, applied 3, replied c2
    c0 <- done
    c1 <- done
    c2 <- done
