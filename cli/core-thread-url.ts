/** Where the programs of a member are: beside this one, however it was built. */
import { fileURLToPath } from 'node:url'

/** Of its core's thread. */
export const coreThreadUrl = new URL('./core-worker.js', import.meta.url)
/** Of the member itself: not the launcher, for packages and build are up to date by now. */
export const programPath = fileURLToPath(new URL('./main.js', import.meta.url))
