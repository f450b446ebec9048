# The memory of a majority is lost, in memory mode
#
# An acknowledgement stands for a memory. n0 and n1 lose theirs at the same time, and with them perhaps
# entries that n2 has never seen. They come back in a new life, ask everybody, and hear of each other that too
# many have forgotten: service is refused, and the client is told why. n2 remembers, and finds nobody who might
# vote. To answer from what is left would be to guess.

client 0 put k0 101
    c0 calls put k0 101
run until client 0 answered done
    n0 <- c0 put k0 101: appended 1
    n1 n2: accepted 1
    n0: committed 1, applied 1, replied c0
    c0 <- done
crash n0
crash n1
restart n0
    n0 (incarnation 1): amnesia 1, now recovering
restart n1
    n1 (incarnation 1): amnesia 1, now recovering
run until n0 is refusing and n1 is refusing
    n2 <- n0 recover life=1: suspected 0, probed 2, now probing
    n1 <- n0 recover life=1: memory-lost 2, now refusing
    n0 <- n1 recover life=1: memory-lost 2, now refusing
client 0 get k0
    c0 calls get k0
retry c0
    c0 asks again: get k0
retry c0
    c0 asks again: get k0
run 5 ms
    n2 <- n1 recover life=1 (13 times)
    n0 <- n2 probe view=2 end=0.1 (3 times)
    n0 <- n2 state view=0 end=1 life=1 (13 times)
    n1 <- n2 probe view=2 end=0.1 (3 times)
    n0 <- c0 get k0: turned-away c0
    n1 <- c0 get k0: turned-away c0
    n2 <- c0 get k0: redirected c0
    n1 <- n2 state view=0 end=1 life=1 (13 times)
    c0 <- refused: a majority of memories is lost
    n1 <- n0 recover life=1 (12 times)
    n2 <- n0 recover life=1 (12 times)
    n0 <- n1 recover life=1 (12 times)
    n2 suspect timer: probed 2 (2 times)
expect not n2 is leader
expect not client 0 answered value 101
show
    n0 refusing, view 0, log empty, stored 0, committed 0
    n1 refusing, view 0, log empty, stored 0, committed 0
    n2 probing, view 0, log 1-1 (last of view 0), stored 1, committed 0
