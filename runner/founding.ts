/**
 * In which incarnation a node begins that finds nothing in its folder.
 *
 * Either it founds the cluster together with all others, or it has lost its past: the others know, for each founder tells
 * with which processes it has founded. A founder counts on the processes that it has met; one that has died meanwhile is
 * another process when it comes back, and a restarted node.
 */
import type { Info } from './peers.js'

export interface Beginning {
  readonly incarnation: number
  /** Processes that begin together; undefined for a node that has lost its past. */
  readonly founders: readonly string[] | undefined
}

/**
 * @param self the node, and `boot` its process
 * @param infos what is known of each node; that of `self` is not looked at
 * @returns undefined as long as it cannot be decided
 */
export function beginningOf(
  self: number,
  boot: string,
  infos: readonly (Info | undefined)[],
): Beginning | undefined {
  const others = infos.filter((_, node) => node !== self)
  const begun = others.filter((info) => info?.incarnation !== undefined)
  const founder = begun.find((info) => info?.founders?.[self] === boot)
  if (founder !== undefined) return { incarnation: 0, founders: founder.founders }
  if (begun.length > 0) {
    // With this one they are a majority, of which somebody knows the newest life of this node.
    if (begun.length < Math.floor(infos.length / 2)) return undefined
    return { incarnation: Math.max(...begun.map((info) => info?.known[self] ?? 0)) + 1, founders: undefined }
  }
  if (others.includes(undefined)) return undefined
  return { incarnation: 0, founders: infos.map((info, node) => (node === self ? boot : info!.boot)) }
}
