------------------------- MODULE TwoPhaseCommit -------------------------
(* Two-phase commit for TLC, as a peer of the system `2pc`: one action here is one step there, one state here is one  *)
(* state there.                                                                                                      *)
(* Source: Gray and Lamport, "Consensus on Transaction Commit" (2006), section 3.                                      *)
EXTENDS Integers

CONSTANT Managers  \* the resource managers

VARIABLES
  role,      \* of each resource manager
  decision,  \* of the transaction manager
  counted,   \* whose votes the transaction manager has taken in
  voted,     \* whose votes are on the network
  announced  \* the decisions that are on the network

vars == <<role, decision, counted, voted, announced>>

Init ==
  /\ role = [m \in Managers |-> "working"]
  /\ decision = "none"
  /\ counted = {}
  /\ voted = {}
  /\ announced = {}

Prepare(m) ==
  /\ role[m] = "working"
  /\ role' = [role EXCEPT ![m] = "prepared"]
  /\ voted' = voted \union {m}
  /\ UNCHANGED <<decision, counted, announced>>

ChooseToAbort(m) ==
  /\ role[m] = "working"
  /\ role' = [role EXCEPT ![m] = "aborted"]
  /\ UNCHANGED <<decision, counted, voted, announced>>

CountVote(m) ==
  /\ decision = "none"
  /\ m \in voted
  /\ counted' = counted \union {m}
  /\ UNCHANGED <<role, decision, voted, announced>>

Announce(what) ==
  /\ decision = "none"
  /\ decision' = what
  /\ announced' = announced \union {what}
  /\ UNCHANGED <<role, counted, voted>>

Decide ==
  \/ counted = Managers /\ Announce("committed")
  \/ Announce("aborted")

Hear(m, what) ==
  /\ what \in announced
  /\ role' = [role EXCEPT ![m] = what]
  /\ UNCHANGED <<decision, counted, voted, announced>>

Next ==
  \/ Decide
  \/ \E m \in Managers :
       \/ Prepare(m)
       \/ ChooseToAbort(m)
       \/ CountVote(m)
       \/ Hear(m, "committed")
       \/ Hear(m, "aborted")

Consistent == \A m, n \in Managers : ~(role[m] = "committed" /\ role[n] = "aborted")
=============================================================================
