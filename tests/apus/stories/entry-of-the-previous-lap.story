# An entry of the previous lap is not the next one
#
# The log is a ring, here with room for four longest entries. When n1 has accepted the fourth it looks for the
# next one where the first still lies: whole, sealed, and from the leader that n1 follows. Only its index says
# that it is an old one.

window 1
retained 1
bites index-unchecked violates accepted-from-own-leader
bites canary-trusted violates entries-are-whole
hold timer n0 beat
client 0 put k0 101 in 3 words
    c0 calls put k0 101
quietly run until client 0 answered
client 0 put k1 102 in 3 words
    c0 calls put k1 102
quietly run until client 0 answered
client 0 put k0 103 in 3 words
    c0 calls put k0 103
quietly run until client 0 answered
client 0 put k1 104 in 3 words
    c0 calls put k1 104
run until client 0 answered
    n0 <- c0 put k1 104: recycled 1, appended 4
    n1 n2: accepted 4, committed 3, applied 3, recycled 1
    n0: committed 4, applied 4, replied c0
    c0 <- done
run 20 us
expect end exactly 4 at n1
show
    n0 leader, view 0, log 2-4 (last of view 0), stored 4, committed 4
    n1 follower, view 0, log 2-4 (last of view 0), stored 4, committed 3
    n2 follower, view 0, log 2-4 (last of view 0), stored 4, committed 3

# The fifth has the length of the first, and lands word by word on top of it. The words of the header make it
# the next one, and the trailer still is that of the first, which names another index. When the trailer has
# landed too n1 looks at the whole: what lies in between is of the first entry, and the checksum is wrong.
client 0 put k0 105 in 3 words
    c0 calls put k0 105
hold place n0->n1
run until possible place n0->n1 log bytes word 0
    n0 <- c0 put k0 105: recycled 2, appended 5
place n0->n1 log bytes word 0
    write 72B n1 log bytes word 0
place n0->n1 log bytes word 1
    write 72B n1 log bytes word 1
place n0->n1 log bytes word 2
    write 72B n1 log bytes word 2
place n0->n1 log bytes word 3
    write 72B n1 log bytes word 3
run 20 us
    n2: accepted 5, committed 4, applied 4, recycled 2
    n0: committed 5, applied 5, replied c0
    c0 <- done
expect not n1 notes torn
place n0->n1 log bytes word 8
    write 72B n1 log bytes word 8
run until n1 notes torn
    n1: torn 5
release place n0->n1
run until n1 notes accepted 5
    n1: accepted 5, committed 4, applied 4, recycled 2
heal
quietly run until converged
show
    n0 leader, view 0, log 4-6 (last of view 0), stored 6, committed 5
    n1 follower, view 0, log 4-6 (last of view 0), stored 6, committed 5
    n2 follower, view 0, log 4-6 (last of view 0), stored 6, committed 5
