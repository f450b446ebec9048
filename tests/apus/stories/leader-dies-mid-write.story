# The leader dies in the middle of a WRITE
#
# An entry travels as one packet to each follower, and lands word by word. The packet to n2 is lost; that to
# n1 has arrived, and its header and trailer lie in n1's memory, when n0 loses power. n1 looks at the whole
# entry, finds its checksum wrong (torn), and will look again. What a NIC has accepted it places, whoever is
# dead; so in the end n1 accepts the entry of a leader that is no more.

bites canary-trusted violates accepted-from-own-leader
client 0 put k0 101
    c0 calls put k0 101
hold place n0->n1
sever n0->n2
run until possible place n0->n1 word 0
    n0 <- c0 put k0 101: appended 1
place n0->n1 word 0
    write 56B n1 log bytes word 0
place n0->n1 word 1
    write 56B n1 log bytes word 1
place n0->n1 word 2
    write 56B n1 log bytes word 2
place n0->n1 word 6
    write 56B n1 log bytes word 6
run until n1 notes torn
    n1: torn 1
crash n0
release place n0->n1
run until n1 notes accepted 1
    n1: accepted 1

# Nobody knows whether this entry was committed, so it must live on. n2 does not have it, and n1 does not
# grant what n2 probes for. n1 wins, and commits an entry of its own view, and with it the one that it found.
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
run until committed 2 at n1
    n1: link-up n2
    n2: accepted 1
    n2: accepted 2
    n1: committed 2, applied 1, replied c0, applied 2

# A leader answers what it applies, whoever has appended it: the client need not ask again.
run until client 0 answered done
    c0 <- done

# n0 comes back without memory. It recovers what it may have acknowledged before it is a member again.
restart n0
    n0 (incarnation 1): amnesia 1, now recovering
run until converged
    n0 <- n1 vote view=1 attempt=0 end=0.1
    n0 <- n1 probe view=1 end=0.1 (2 times)
    n0 <- n1 follow view=1 attempt=0 end=1.2 (2 times)
    n0 <- n2 probe view=2 end=0.0
    n1 <- n0 recover life=1 (2 times)
    n2 <- n0 recover life=1 (2 times)
    n0 <- n1 state view=1 leads end=2 life=1
    n0 <- n2 state view=1 end=2 life=1
    n1 beat timer: appended 3
    n2: accepted 3, committed 2, applied 1, applied 2
    n1: committed 3, applied 3
    n0: fenced 1, joined 1
    n1 <- n0 joined view=1 attempt=0 up to 0
    n0 <- n1 state view=1 leads end=3 life=1
    n0 <- n2 state view=1 end=3 life=1
    n1: link-up n0
    n0: accepted 1
    n0: accepted 2, recovered 1, now follower
    n0: accepted 3, committed 2, applied 1, applied 2
show
    n0 follower, view 1, log 1-3 (last of view 1), stored 3, committed 2
    n1 leader, view 1, log 1-3 (last of view 1), stored 3, committed 3
    n2 follower, view 1, log 1-3 (last of view 1), stored 3, committed 2
