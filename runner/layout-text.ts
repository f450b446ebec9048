import type { Hardware } from '../protocol/index.js'

/** All that the cores of two members must have alike to understand each other's bytes, as text; see `layoutDigest`. */
export function layoutText({ cores, fabric, network, disk }: Hardware): string {
  const shape = cores.map(({ state, regions, windows }) => [
    state.sizeBytes,
    ...regions.map(({ name, layout }) => [name, layout.sizeBytes]),
    ...windows.map(({ name, layout }) => [name, layout.sizeBytes]),
  ])
  return JSON.stringify([shape, fabric, network?.messageBytes, disk])
}
