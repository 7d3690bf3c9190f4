using Lanyard.Wire;

namespace Lanyard.Engine.Networks;

/// <summary>
/// Pushes configurations and revocations to members. A configuration is repeated until the member acknowledges it. A revocation, which has no
/// acknowledgment, is sent three times. A member that receives none of them learns of the change from its next request, within a minute.
/// </summary>
internal sealed class ConfigPushes(NodeContext context, ControllerOutbox outbox)
{
    private const int MaxConfigs = 4_096;
    private const int MaxRevocations = 16_384;
    private const long TickMs = 50;
    private static readonly long[] ConfigDelaysMs = [1_000, 2_000, 4_000, 8_000];
    private static readonly long[] RevocationDelaysMs = [1_000, 4_000];

    private readonly Dictionary<(NetworkId Network, NodeAddress Member), Pending> _configs = [];
    private readonly Queue<Pending> _revocations = new();

    /// <summary>The time of the next repetition, in milliseconds.</summary>
    public long NextDeadlineMs { get; private set; } = long.MaxValue;

    /// <summary>Queues a message. A pushed configuration is repeated until the member acknowledges it or receives another message about the network.</summary>
    public void Send(long nowMs, ControllerMessage message)
    {
        outbox.Post(message);
        if (message.Kind != ControllerMessageKind.Revocation)
            Cancel(message.Network, message.To);
        if (message.To == context.Address)
            return;
        if (message.Kind == ControllerMessageKind.Revocation)
            Repeat(nowMs, message);
        else if (message is { Kind: ControllerMessageKind.Config, InReplyTo: 0 })
            RepeatUntilAcknowledged(nowMs, message);
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

            outbox.Post(pending.Message);
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
                outbox.Post(pending.Message);
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

    private void RepeatUntilAcknowledged(long nowMs, ControllerMessage message)
    {
        if (_configs.Count >= MaxConfigs)
        {
            context.Counters.Drop(DropReason.RateLimited);
            return;
        }

        _configs[(message.Network, message.To)] = new Pending(message, 0, nowMs + ConfigDelaysMs[0]);
        WakeAt(nowMs + ConfigDelaysMs[0]);
    }

    private void Repeat(long nowMs, ControllerMessage revocation)
    {
        if (_revocations.Count >= MaxRevocations)
        {
            context.Counters.Drop(DropReason.RateLimited);
            return;
        }

        _revocations.Enqueue(new Pending(revocation, 0, nowMs + RevocationDelaysMs[0]));
        WakeAt(nowMs + RevocationDelaysMs[0]);
    }

    private void WakeAt(long ms) => NextDeadlineMs = Math.Min(NextDeadlineMs, ms);

    private readonly record struct Pending(ControllerMessage Message, int Tries, long NextMs);
}
