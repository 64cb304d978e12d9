// chronogate.d.ts — what chronogate.js does and takes.
// SPDX-License-Identifier: MIT

/**
 * Opens a connection to a gateway, now and again whenever it is lost.
 *
 * `url` is `ws://host:port`, with a path if a balancer needs one, or several of these that are
 * tried in turn. Throws if it is no address, or if there is no WebSocket.
 */
export function connect(url: string | string[], options?: ConnectOptions): Connection;

/** Negative, zero or positive as `a` is before, equal to or behind `b`; both numeric pairs. */
export function compareIds(a: string, b: string): number;

export interface ConnectOptions {
    /** A label for logs, 1 to 128 bytes; made up if it is left out. */
    clientId?: string;
    /** Goes into the address as `token`. A function is called for each try to connect. */
    token?: Token;
    /** What a client gets that falls behind: the newest message of each topic, which the event
     * `conflated` tells, or `all` of them, if need be by being closed and resuming. `latest`. */
    delivery?: 'latest' | 'all';
    /** For Node 20 without --experimental-websocket: the class of the package `ws`. */
    WebSocket?: unknown;
    /** Silence after which the gateway is taken for dead; half of it is waited before it is
     * probed by a `ping`. Left out: a quarter more than its heartbeats take, which is learnt,
     * and then 5 s for the probe. */
    deadAfterMs?: number;
    /** Bounds of the time between two tries: it doubles, and is jittered. 500 and 30000. */
    minBackoffMs?: number;
    maxBackoffMs?: number;
    /** Time until the gateway has greeted us. 10000. */
    connectTimeoutMs?: number;
    /** Time a request may stay unanswered before the connection is made anew. 30000. */
    answerTimeoutMs?: number;
    /** How often the round trip is measured. 30000; 0: only when there was silence. */
    pingEveryMs?: number;
    /** Requests, counted by topics, made per second and at once: a little below what the
     * gateway allows. 40 and 250. */
    requestRate?: number;
    requestBurst?: number;
}

export type Token = string | null | undefined | (() => string | Promise<string>);

export interface Message<Data = any> {
    readonly type: 'data';
    readonly topic: string;
    /** What the feed said. */
    readonly data: Data;
    /** On sequenced topics; it increases from message to message. */
    readonly id?: string;
    /** The topic's newest message, with which a subscription begins, or goes on after a gap. */
    readonly snapshot?: true;
    /** Only in `for await`: so many before this one were dropped, for the loop was too slow. */
    readonly missed?: number;
    readonly timestamp: string;
}

/**
 * - `connecting`: no connection, or none that is greeted; it is being tried.
 * - `live`: what arrives is what there is.
 * - `degraded`: the gateway has lost its source, so what a screen shows may be old.
 * - `closed`: by `close()`, or because the token was refused: then `setToken()` goes on.
 */
export type State = 'connecting' | 'live' | 'degraded' | 'closed';

export interface StateChange {
    state: State;
    previous: State;
    /** The WebSocket's close code, if there was one. */
    code?: number;
    reason: string;
}

/** A topic that was held before the connection was lost is held again. */
export interface Recovered {
    topic: string;
    /** False: messages may have been missed, and a snapshot follows if there is a newer one. */
    recovered: boolean;
    /** Messages that came with the resumption, those published in that moment included. */
    replayed: number;
}

/** There is no connection, for the `tries`th time in a row; the next try is `afterMs` from now.
 * What a gateway answers who lets nobody in, as for a bad token, browsers do not tell. */
export interface Retry {
    afterMs: number;
    tries: number;
    code?: number;
    reason: string;
}

export interface Events {
    state: StateChange;
    retry: Retry;
    /** Everything that was refused or went wrong and that no `onError` was told. Without a
     * listener it goes to console.error. */
    error: ChronoGateError;
    /** The gateway itself has lost messages of this topic behind the id `after`. */
    gap: { topic: string; after: string };
    recovered: Recovered;
    /** So many messages were left out, each for a newer one of its topic: we were too slow. */
    conflated: { dropped: number };
}

/**
 * `code` is one of
 * - `invalid_topic`: refused for good, the handlers are gone;
 * - `subscription_failed`: refused for now, asked for again (`willRetry`);
 * - `unauthorized`: the token was refused; see `setToken()`;
 * - `protocol`: the gateway closed because we broke the protocol: a bug; tried again, late;
 * - `cannot_connect`: `token()` or the WebSocket's constructor failed;
 * - `bad_message`: something arrived that is not understood, and was dropped;
 * - `handler`: a handler threw `cause`; the others got the message all the same;
 * - `overflow`: a `for await` with `overflow: 'error'` was too slow;
 * - `closed`, `no_websocket`: thrown at once;
 * - what else a gateway may say.
 */
export class ChronoGateError extends Error {
    constructor(code: string, message: string,
        details?: { cause?: unknown; topic?: string; willRetry?: boolean });
    readonly code: string;
    readonly topic?: string;
    /** Nothing has to be done about it. */
    readonly willRetry: boolean;
}

export interface SubscribeOptions {
    /** Begin with the newest message there is. Default true. */
    snapshot?: boolean;
    /** The topic was refused. Without it the event `error` tells. */
    onError?: (error: ChronoGateError) => void;
    /** `close()` was called. */
    onClose?: () => void;
}

export interface TopicOptions {
    snapshot?: boolean;
    /** Messages that may wait for the loop. 1000. */
    limit?: number;
    /** At the limit: `drop` the oldest one, which `missed` tells, or end with an `error`. */
    overflow?: 'drop' | 'error';
}

export interface Counters {
    /** Messages that were new. */
    received: number;
    /** Messages dropped because they were not newer than the one before. */
    duplicates: number;
    gaps: number;
    conflated: number;
    replayed: number;
    /** Topics that were resumed without their missing messages. */
    unrecovered: number;
    reconnects: number;
    rateLimited: number;
    /** Messages dropped because a `for await` was too slow. */
    overflowed: number;
    /** Messages that were not understood. */
    invalid: number;
}

export interface Connection {
    readonly state: State;
    readonly counters: Readonly<Counters>;
    /** Of the last `ping`. */
    readonly roundTripMs: number | undefined;
    /** The topics subscribed to. */
    readonly topics: string[];
    /** The last id delivered on a topic, while it is subscribed to. */
    lastId(topic: string): string | undefined;

    /**
     * Calls `handler` with each message of the topic. All handlers of a topic get the same
     * objects, which nobody may change, and share one subscription; who comes later begins with
     * the newest message known. Returns a function that ends it. After the last handler has
     * gone a new one begins anew. Throws after close().
     */
    subscribe<Data = any>(topic: string, handler: (message: Message<Data>) => unknown,
        options?: SubscribeOptions): () => void;

    /** For `for await`: each loop is a subscription of its own, which ends with it. It throws
     * when the topic is refused for good and is over after close(). */
    topic<Data = any>(topic: string, options?: TopicOptions): AsyncIterable<Message<Data>>;

    /** Calls `listener` at each such event; returns a function that ends this. */
    on<Name extends keyof Events>(event: Name,
        listener: (what: Events[Name]) => void): () => void;

    /** From the next try on; goes on where a refused token has stopped us. */
    setToken(token: Token): void;

    /** The end: nothing is delivered any more and nothing tried again. */
    close(): void;
}
