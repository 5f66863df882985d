/* The service worker: when no page can be had, ours is shown and not the browser's. It keeps that page, with what it is
   made of, and nothing else: no page with money or people on it ever stays on a device. */
"use strict";
const KEPT = "karnet-offline";
const PAGE = "/offline";

/* Ask for the page in the language of the screen, and for what it names. */
const keep = async () => {
  const answer = await fetch(PAGE, { cache: "no-store" });
  if (!answer.ok) return;
  const cache = await caches.open(KEPT);
  const text = await answer.clone().text();
  const parts = [...text.matchAll(/(?:href|src)="(\/static\/[^"#]+)/g)].map((found) => found[1]);
  for (const part of new Set(parts)) if (!(await cache.match(part))) await cache.add(part);
  for (const old of await cache.keys()) {
    const { pathname, search } = new URL(old.url);
    if (pathname !== PAGE && !parts.includes(pathname + search)) await cache.delete(old);
  }
  await cache.put(PAGE, answer);
};

self.addEventListener("install", (event) => {
  self.skipWaiting();
  event.waitUntil(keep().catch(() => {}));
});
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

/* A page says in which language it is: the one that is kept follows. */
self.addEventListener("message", (event) => {
  const follow = async () => {
    const kept = await caches.match(PAGE);
    if (kept?.headers.get("Content-Language") !== event.data.language) await keep();
  };
  event.waitUntil(follow().catch(() => {}));
});

const AWAY = [502, 503, 504]; /* what a proxy says while the server is away */
const page = async (request) => {
  try {
    const answer = await fetch(request);
    if (!AWAY.includes(answer.status)) return answer;
  } catch {
    /* nothing answers */
  }
  /* A form that did not arrive leads back to its page, which is asked for again until it comes. */
  if (request.method !== "GET") return Response.redirect(request.referrer || "/", 303);
  return (await caches.match(PAGE)) ?? Response.error();
};
const part = async (request) => {
  try {
    return await fetch(request);
  } catch {
    return (await caches.match(request)) ?? Response.error();
  }
};
self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.mode === "navigate") event.respondWith(page(request));
  else if (origin === location.origin && request.method === "GET" && pathname.startsWith("/static/")) event.respondWith(part(request));
});
