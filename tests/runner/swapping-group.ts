/** A wrong group, to be found. */
import { StoreGroup } from '../../protocol/store/index.js'

/** Hands out the replies of a group in the wrong order. */
export class SwappingGroup extends StoreGroup {
  #replies: Uint8Array[] = []

  override takeReply(reply: Uint8Array, into: Uint8Array): number {
    if (this.#replies.length === 0)
      for (let left = this.members; left > 0; left--)
        this.#replies.push(into.slice(0, super.takeReply(reply, into)))
    const own = this.#replies.pop()!
    into.set(own)
    return own.length
  }
}
