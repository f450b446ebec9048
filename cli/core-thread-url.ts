/** Where the program of a core's thread is: beside this one, in whatever way it was built. */
const ending = import.meta.url.endsWith('.mjs') ? 'mjs' : 'js'
export const coreThreadUrl = new URL(`core-worker.${ending}`, import.meta.url)
