export { FakeClock, settled } from "./fakeClock.js";
export { FakeConnection, FakeServer } from "./fakeServer.js";
