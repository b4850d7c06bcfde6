#!/bin/sh
# Reports the disk usage of the robot. Fails with a business error above the percentage in $1 (default 80).
say() { printf '%s\n' "$1"; }

say '{"type": "progress", "percent": 10, "message": "looking"}'
used=$(df -P . | awk 'NR == 2 { sub("%", "", $5); print $5 }') || exit 1
echo "the disk is $used % full"
say "{\"type\": \"result\", \"value\": {\"used_percent\": $used, \"limit_percent\": $1}}"

if [ "$used" -gt "${1:-80}" ]; then
    say "{\"type\": \"error\", \"error_type\": \"business\", \"message\": \"the disk is $used % full\"}"
    exit 1
fi
say '{"type": "progress", "percent": 100, "message": "done"}'
