// A handler of requests, as one writes it for any host of WASI: a clock, a timer, random numbers, the console and fetch.

addEventListener('fetch', (event) => event.respondWith(respond(event.request)))

async function respond(request) {
  const url = new URL(request.url)
  console.log('asked for', url.pathname)
  const began = performance.now()
  await new Promise((wake) => setTimeout(wake, 1500))
  const seen = { slept: Math.round(performance.now() - began), year: new Date().getUTCFullYear() }
  const from = url.searchParams.get('from')
  if (from !== null) seen.fetched = await textOf(from)
  seen.random = [Math.random(), crypto.randomUUID()]
  return new Response(JSON.stringify(seen), { headers: { 'content-type': 'application/json' } })
}

async function textOf(url) {
  try {
    return await (await fetch(url)).text()
  } catch (error) {
    return String(error)
  }
}
