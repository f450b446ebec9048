# An entry is looked at before it is whole
#
# The NIC places the words of an entry in any order. Here the trailer lands before the operation. n1 copies
# the entry in, and the checksum over all of it and the view of its sender is wrong. So n1 looks again a
# little later, and accepts the entry when the last word has landed. On hardware that places words in order
# the trailer alone would do, but not when a deposed leader's last words may land on top of a whole entry.

bites canary-trusted violates accepted-from-own-leader
client 0 put k0 101 in 3 words
    c0 calls put k0 101
hold place n0->n1
run until possible place n0->n1 word 8
    n0 <- c0 put k0 101: appended 1
place n0->n1 word 8
    write 72B n1 log bytes word 8
place n0->n1 word 0
    write 72B n1 log bytes word 0
place n0->n1 word 1
    write 72B n1 log bytes word 1
place n0->n1 word 2
    write 72B n1 log bytes word 2
run 3 us
    n1: torn 1 (3 times)
    n2: accepted 1
    n0: committed 1, applied 1, replied c0
expect not n1 notes accepted
place n0->n1 word 3
    write 72B n1 log bytes word 3
place n0->n1 word 4
    write 72B n1 log bytes word 4
place n0->n1 word 5
    write 72B n1 log bytes word 5
place n0->n1 word 6
    write 72B n1 log bytes word 6
run 3 us
    n1: torn 1 (3 times)
    c0 <- done
expect not n1 notes accepted
place n0->n1 word 7
    write 72B n1 log bytes word 7
run until n1 notes accepted 1
    n1: accepted 1
run until client 0 answered done
