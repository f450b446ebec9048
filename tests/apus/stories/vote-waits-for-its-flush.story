# A vote waits for its flush
#
# n2 asks for votes in view 2. n1 revokes n0's access and joins the view, but says so to nobody before its
# disk has stored it. The power goes first. n1 comes back in view 0 and follows n0 again, and no vote of it is
# on the way to n2.

durability disk
bites view-not-flushed violates votes-are-remembered
hold arrive n0->*
hold timer n0 suspect
hold flush n1
hold deliver n2->n0
run until n1 notes fenced 2
    n1 suspect timer: suspected 0, probed 1, now probing
    n0 <- n1 probe view=1 end=0.0
    n2 <- n1 probe view=1 end=0.0
    n2 suspect timer: suspected 0, probed 2, now probing
    n1 <- n2 probe view=2 end=0.0: granted 2
    n2 <- n1 grant view=2
    n2: fenced 2, now candidate
    n2: stored 0, joined 2
    n1 <- n2 vote view=2 attempt=0 end=0.0
    n1: fenced 2, now follower
run 10 us
expect not possible deliver n1->n2 joined
show
    n0 leader, view 0, log empty, stored 0, committed 0
    n1 follower, view 2, log empty, stored 0, committed 0
    n2 candidate, view 2, log empty, stored 0, committed 0
crash n1
    n1 (the unflushed tail is lost)
restart n1
    n1 (incarnation 1)
show
    n0 leader, view 0, log empty, stored 0, committed 0
    n1 follower, view 0, log empty, stored 0, committed 0
    n2 candidate, view 2, log empty, stored 0, committed 0
run 100 us
release everything
client 0 put k0 101
    c0 calls put k0 101
quietly run until client 0 answered done
heal
quietly run until converged
show
    n0 follower, view 2, log 1-3 (last of view 2), stored 2, committed 2
    n1 follower, view 2, log 1-3 (last of view 2), stored 2, committed 2
    n2 leader, view 2, log 1-3 (last of view 2), stored 2, committed 2
