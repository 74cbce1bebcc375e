// Reads pages over HTTP and prints them as JSON. Given: {urls, withinMs}.
const { urls, withinMs } = globalThis.given;

const read = async (url) => {
  const answer = await fetch(url, { signal: AbortSignal.timeout(withinMs) });
  return { url, status: answer.status, body: await answer.text() };
};

console.log(JSON.stringify(await Promise.all(urls.map(read))));
