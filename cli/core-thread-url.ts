/** Where the program of a core's thread is: beside this one, however it was built. */
export const coreThreadUrl = new URL('./core-worker.js', import.meta.url)
