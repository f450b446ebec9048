# An acknowledgement of an earlier view does not count
#
# In view 0 n1 stores three entries that nobody else gets, and its acknowledgement, "up to 3", lies in n0's
# memory. n0 stops before it looks. The others elect n4, and n1's entries are replaced.

nodes 5
window 3
bites acknowledgement-without-viewstamp violates stored-before-acknowledged
hold retry *
hold arrive n0->n2
hold arrive n0->n3
hold arrive n0->n4
hold poll n0
client 0 put k0 101
    c0 calls put k0 101
client 1 put k0 201
    c1 calls put k0 201
client 2 put k0 301
    c2 calls put k0 301
run until stored 3 at n1
    n0 <- c0 put k0 101: appended 1
    n0 <- c1 put k0 201: appended 2
    n0 <- c2 put k0 301: appended 3
    n1: accepted 1
    n1: accepted 2
    n1: accepted 3
run 5 us
pause n0
hold timer n1 suspect
quietly run until n4 leads view 4
quietly run until committed 1 at n4 and end exactly 1 at n1
show
    n0 leader (paused), view 0, log 1-3 (last of view 0), stored 3, committed 0
    n1 follower, view 4, log 1-1 (last of view 4), stored 1, committed 0
    n2 follower, view 4, log 1-1 (last of view 4), stored 1, committed 0
    n3 follower, view 4, log 1-1 (last of view 4), stored 1, committed 0
    n4 leader, view 4, log 1-1 (last of view 4), stored 1, committed 1

# n0 goes on, joins view 4, and when n4 stops it is elected for view 5. Its clients ask again, and it appends
# what they ask for at 2 and 3. n2 stores both; n1 and n3 do not get them. The old word of n1 in n0's memory
# still says "up to 3". It names the connection of view 0, so n0 counts two copies, which are no majority of
# five.
release everything
hold retry *
resume n0
quietly run until end exactly 1 at n0 and n0 is follower
hold timer *
pause n4
quietly run 2 ms
fire n2 suspect x2
    n2 suspect timer
    n2 suspect timer: suspected 4, probed 7, now probing
run 50 us
    n0 <- n2 probe view=7 end=4.1
    n1 <- n2 probe view=7 end=4.1
    n3 <- n2 probe view=7 end=4.1
fire n3 suspect x2
    n3 suspect timer
    n3 suspect timer: suspected 4, probed 8, now probing
run 50 us
    n0 <- n3 probe view=8 end=4.1
    n1 <- n3 probe view=8 end=4.1
    n2 <- n3 probe view=8 end=4.1: granted 8
    n3 <- n2 grant view=8
hold place n0->n1
hold place n0->n3
fire n0 suspect x2
    n0 suspect timer
    n0 suspect timer: suspected 4, probed 5, now probing
run until n0 leads view 5
    n1 <- n0 probe view=5 end=4.1
    n2 <- n0 probe view=5 end=4.1: granted 5
    n3 <- n0 probe view=5 end=4.1: granted 5
    n0 <- n2 grant view=5
    n0 <- n3 grant view=5
    n0: fenced 5, joined 5, now candidate
    n1 <- n0 vote view=5 attempt=0 end=4.1
    n2 <- n0 vote view=5 attempt=0 end=4.1
    n3 <- n0 vote view=5 attempt=0 end=4.1
    n1: fenced 5, joined 5
    n2 n3: fenced 5, joined 5, now follower
    n0 <- n1 joined view=5 attempt=0 up to 0
    n0 <- n2 joined view=5 attempt=0 up to 0: elected 5, appended 1, now leader
retry c0 x5
    c0 asks again: put k0 101 (5 times)
retry c1 x5
    c1 asks again: put k0 201 (5 times)
run until stored 3 at n2
    n0 <- n3 joined view=5 attempt=0 up to 0 (2 times)
    n3 <- n0 follow view=5 attempt=0 end=5.1
    n1 <- c0 put k0 101: redirected c0
    n2 <- c0 put k0 101: redirected c0
    n3 <- c0 put k0 101: redirected c0
    n0 <- c0 put k0 101: appended 2
    n1 <- c1 put k0 201: redirected c1
    n2 <- c1 put k0 201: redirected c1
    n3 <- c1 put k0 201: redirected c1
    n0 <- c1 put k0 201: appended 3
    n0: link-up n1
    n0: link-up n2
    n0: link-up n3
    n2: accepted 1, replaced 1
    n2: accepted 2
    n2: accepted 3
run 20 us
expect committed exactly 0 at n0
show
    n0 leader, view 5, log 1-3 (last of view 5), stored 3, committed 0
    n1 follower, view 5, log 1-1 (last of view 4), stored 1, committed 0
    n2 follower, view 5, log 1-3 (last of view 5), stored 3, committed 0
    n3 follower, view 5, log 1-1 (last of view 4), stored 1, committed 0
    n4 leader (paused), view 4, log 1-1 (last of view 4), stored 1, committed 1
release everything
run until client 0 answered and client 1 answered and client 2 answered
    n1 n3: accepted 1, replaced 1
    n1 n3: accepted 2
    n1 n3: accepted 3
    n0: committed 1, applied 1
    n0: committed 2, applied 2, replied c0
    n0: committed 3, applied 3, replied c1
    c0 <- done
    c1 <- done
    n0 beat timer: appended 4
    n1 n2 n3: accepted 4, committed 3, applied 1, applied 2, applied 3
    n0: committed 4, applied 4
    n4 gives up waiting for n0: write 40B n0 log bytes
    c2 asks again: put k0 301 (5 times)
    n1 <- c2 put k0 301: redirected c2
    n2 <- c2 put k0 301: redirected c2
    n3 <- c2 put k0 301: redirected c2
    n0 <- c2 put k0 301: appended 5
    n1 n2 n3: accepted 5, committed 4, applied 4
    n0: committed 5, applied 5, replied c2
    c2 <- done
heal
quietly run until converged
show
    n0 leader, view 5, log 1-6 (last of view 5), stored 6, committed 6
    n1 follower, view 5, log 1-6 (last of view 5), stored 6, committed 5
    n2 follower, view 5, log 1-6 (last of view 5), stored 6, committed 5
    n3 follower, view 5, log 1-6 (last of view 5), stored 6, committed 5
    n4 follower, view 5, log 1-6 (last of view 5), stored 6, committed 5
