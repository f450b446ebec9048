/**
 * Asks for the newest of what is wanted, one question at a time: while one is under way only the last wish is kept. So a
 * scrub never queues up states that nobody looks at any more.
 */
export function latest<Wish>(ask: (wish: Wish) => Promise<void>): (wish: Wish) => void {
  let asking = false
  let next: { readonly wish: Wish } | undefined
  const go = async (wish: Wish): Promise<void> => {
    asking = true
    try {
      await ask(wish)
    } finally {
      asking = false
      const following = next
      next = undefined
      if (following !== undefined) void go(following.wish)
    }
  }
  return (wish) => {
    if (asking) next = { wish }
    else void go(wish)
  }
}
