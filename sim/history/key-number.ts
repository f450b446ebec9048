/** State keys as numbers: from 0 in the order of first sight, and two that stand for no key. */

/** In `needs`: the output may be allowed in several states. In `gives`: the state stays as it is. */
export const none = -1
/** In `gives`: the operation has no shape, so it may lead anywhere. */
export const anywhere = -2
/** The number of the key of the initial state. */
export const initialKey = 0
