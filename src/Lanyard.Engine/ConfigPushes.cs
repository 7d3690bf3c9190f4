using Lanyard.Wire;

namespace Lanyard.Engine;

/// <summary>
/// Pushes configurations and revocations to members. A configuration is repeated until the member acknowledges it. A revocation, which has no
/// acknowledgment, is sent three times. A member that receives none of them learns of the change from its next request, within a minute.
/// </summary>
internal sealed class ConfigPushes(Node node)
{
    private const int MaxConfigs = 4_096;
    private const int MaxRevocations = 16_384;
    private const long TickMs = 50;
    private static readonly long[] ConfigDelaysMs = [1_000, 2_000, 4_000, 8_000];
    private static readonly long[] RevocationDelaysMs = [1_000, 4_000];

    private readonly Dictionary<(NetworkId Network, NodeAddress Member), PendingConfig> _configs = [];
    private readonly Queue<PendingRevocation> _revocations = new();

    /// <summary>The time of the next repetition, in milliseconds.</summary>
    public long NextDeadlineMs { get; private set; } = long.MaxValue;

    /// <summary>Sends a configuration to a member, and repeats it until the member acknowledges it or a newer one replaces it.</summary>
    public void Push(long nowMs, NodeAddress member, NetworkConfig config)
    {
        node.ConfigVerbs.SendConfig(nowMs, member, config, requestPacketId: 0);
        if (member == node.Address)
            return;
        var key = (config.NetworkId, member);
        if (_configs.Count >= MaxConfigs && !_configs.ContainsKey(key))
        {
            node.Counters.Drop(DropReason.RateLimited);
            return;
        }

        _configs[key] = new PendingConfig(config, 0, nowMs + ConfigDelaysMs[0]);
        WakeAt(nowMs + ConfigDelaysMs[0]);
    }

    /// <summary>Sends a revocation to a member, three times.</summary>
    public void Push(long nowMs, NodeAddress member, Revocation revocation)
    {
        node.ConfigVerbs.SendRevocation(nowMs, member, revocation);
        if (member == node.Address)
            return;
        if (_revocations.Count >= MaxRevocations)
        {
            node.Counters.Drop(DropReason.RateLimited);
            return;
        }

        _revocations.Enqueue(new PendingRevocation(member, revocation, 0, nowMs + RevocationDelaysMs[0]));
        WakeAt(nowMs + RevocationDelaysMs[0]);
    }

    /// <summary>Stops pushing a configuration to a member: the member acknowledged it, received another one, or is no longer authorized.</summary>
    public void Cancel(NetworkId network, NodeAddress member) => _configs.Remove((network, member));

    public void Poll(long nowMs)
    {
        if (nowMs < NextDeadlineMs)
            return;
        NextDeadlineMs = long.MaxValue;
        foreach (var (key, pending) in _configs.ToArray())
        {
            if (pending.NextMs > nowMs)
            {
                WakeAt(pending.NextMs);
                continue;
            }

            node.ConfigVerbs.SendConfig(nowMs, key.Member, pending.Config, requestPacketId: 0);
            var tries = pending.Tries + 1;
            if (tries == ConfigDelaysMs.Length)
            {
                _configs.Remove(key);
                continue;
            }

            _configs[key] = pending with { Tries = tries, NextMs = nowMs + ConfigDelaysMs[tries] };
            WakeAt(nowMs + ConfigDelaysMs[tries]);
        }

        for (var i = _revocations.Count; i > 0; i--)
        {
            var pending = _revocations.Dequeue();
            if (pending.NextMs <= nowMs)
            {
                node.ConfigVerbs.SendRevocation(nowMs, pending.Member, pending.Revocation);
                if (pending.Tries + 1 == RevocationDelaysMs.Length)
                    continue;
                pending = pending with { Tries = pending.Tries + 1, NextMs = nowMs + RevocationDelaysMs[pending.Tries + 1] };
            }

            _revocations.Enqueue(pending);
            WakeAt(pending.NextMs);
        }

        if (NextDeadlineMs < long.MaxValue)
            NextDeadlineMs = Math.Max(NextDeadlineMs, nowMs + TickMs);
    }

    private void WakeAt(long ms) => NextDeadlineMs = Math.Min(NextDeadlineMs, ms);

    private readonly record struct PendingConfig(NetworkConfig Config, int Tries, long NextMs);

    private readonly record struct PendingRevocation(NodeAddress Member, Revocation Revocation, int Tries, long NextMs);
}
