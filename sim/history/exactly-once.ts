/**
 * Exactly once: no request is applied twice, none out of thin air, and none that was acknowledged is lost.
 *
 * Contract. A request is named by its client and sequence number; a retry has the same name. `called` are all requests
 * ever made, `acknowledged` those answered, in any order. An applied order is what the present state of one replica is
 * made of: where a replica restarts and applies its log again from an earlier state, its order starts again from there.
 * Acknowledged requests must be in at least one order; whether they are in all is a matter of when the spec looks.
 * The first violation is reported, each kind in the order of the types below. Work is linear.
 *
 * Source: Lee, Park, Kejriwal, Matsushita, Ousterhout, "Implementing linearizability at large scale and low latency"
 * (RIFL), SOSP 2015, section 3.
 */

export interface RequestName {
  readonly client: number
  readonly sequence: number
}

export interface AppliedOrder {
  readonly replica: number
  readonly requests: readonly RequestName[]
}

export type ExactlyOnceResult =
  | { readonly verdict: 'exactly once'; readonly called: number; readonly applied: number }
  | {
      readonly verdict: 'violated'
      readonly kind: 'applied twice' | 'never called' | 'lost'
      readonly request: RequestName
      readonly sentence: string
    }

export function checkExactlyOnce(
  called: readonly RequestName[],
  acknowledged: readonly RequestName[],
  orders: readonly AppliedOrder[],
): ExactlyOnceResult {
  const calledNames = new Set(called.map(nameOf))
  const applied = new Set<string>()

  for (const { replica, requests } of orders) {
    const positions = new Map<string, number>()
    for (const [position, request] of requests.entries()) {
      const name = nameOf(request)
      const before = positions.get(name)
      if (before !== undefined) {
        const sentence = `Replica ${replica} applied ${name} twice, at ${before} and at ${position} of its order.`
        return { verdict: 'violated', kind: 'applied twice', request, sentence }
      }
      if (!calledNames.has(name)) {
        const sentence = `Replica ${replica} applied ${name} at ${position} of its order, but it was never called.`
        return { verdict: 'violated', kind: 'never called', request, sentence }
      }
      positions.set(name, position)
      applied.add(name)
    }
  }

  for (const request of acknowledged) {
    const name = nameOf(request)
    if (!calledNames.has(name)) {
      const sentence = `The ${name} was acknowledged, but it was never called.`
      return { verdict: 'violated', kind: 'never called', request, sentence }
    }
    if (!applied.has(name)) {
      const sentence = `The ${name} was acknowledged, but no replica has applied it.`
      return { verdict: 'violated', kind: 'lost', request, sentence }
    }
  }
  return { verdict: 'exactly once', called: calledNames.size, applied: applied.size }
}

function nameOf({ client, sequence }: RequestName): string {
  return `request ${sequence} of client ${client}`
}
