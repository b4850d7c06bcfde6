import CircleDot from "lucide:circle-dot";
import Pause from "lucide:pause";
import TriangleAlert from "lucide:triangle-alert";
import { Group, Text } from "@mantine/core";
import type { Instance } from "../../api/instances";
import { count } from "../../texts/format";
import { instanceTexts as words } from "../../texts/instances";
import { plain } from "../../texts/safe";
import { Facts } from "../../ui/Facts";
import { Panel } from "../../ui/Panel";
import { Badge } from "../../ui/StatusBadge";
import { Age, Time } from "../../ui/Time";

const STATES = {
  running: { tone: "completed", icon: CircleDot, edge: undefined },
  draining: { tone: "pending", icon: Pause, edge: "pending" },
  silent: { tone: "failed", icon: TriangleAlert, edge: "failed" },
} as const;

/** One instance as it described itself last. A fact that it does not know is left out. */
export function InstanceCard({ instance: one }: { instance: Instance }) {
  const { tone, icon, edge } = STATES[one.state];
  return (
    <Panel
      title={one.name === null ? words.unnamed : plain(one.name)}
      tone={edge}
      aside={
        <Group gap="sm">
          {one.answered && (
            <Text size="xs" c="dimmed">
              {words.answered}
            </Text>
          )}
          <Badge tone={tone} icon={icon} text={words.states[one.state]} />
        </Group>
      }
    >
      <Facts
        facts={[
          [words.robots, one.robots === null ? null : count(one.robots)],
          [words.viewers, one.viewers === null ? null : count(one.viewers)],
          [words.feedLag, one.feed_lag_ms === null ? null : words.ms(one.feed_lag_ms)],
          [words.loopLag, one.loop_lag_ms === null ? null : words.ms(one.loop_lag_ms)],
          [words.bus, one.bus === null ? null : bus(one.bus)],
          [words.store, one.store === null ? null : (words.stores[one.store] ?? plain(one.store))],
          [words.version, one.version === null ? null : plain(one.version)],
          [words.schema, one.schema_revision === null ? null : plain(one.schema_revision)],
          [words.address, one.address === null ? null : plain(one.address)],
          [words.started, one.started_at === null ? null : <Time key="started" at={one.started_at} />],
          [words.lastSeen, <Age key="seen" at={one.last_seen_at} />],
        ]}
      />
    </Panel>
  );
}

function bus({ kind, alive }: NonNullable<Instance["bus"]>): string {
  const shown = words.buses[kind] ?? plain(kind);
  return alive ? shown : words.busOff(shown);
}
