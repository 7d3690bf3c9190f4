using System.Diagnostics.CodeAnalysis;
using Lanyard.Engine.Members;
using Lanyard.Engine.Peers;
using Lanyard.Wire.Verbs;
using Lanyard.Wire;

namespace Lanyard.Engine.Networks;

/// <summary>
/// The messages of this node's controller, sent one after another, so that a refusal never overtakes the configuration that it ends. Each waits until its parts are
/// signed, which is done without the node's lock.
/// </summary>
internal sealed class ControllerOutbox(
    NodeContext context, JoinedNetworks networks, IPeerLayer peers, CredentialReader reader, CredentialSender credentials)
{
    private const int MaxQueued = 8_192;
    private const int MaxAuthorizations = 262_144;
    private const long AuthorizationMs = 180_000;

    private readonly Queue<Sending> _queue = new();
    private readonly Dictionary<(NetworkId, NodeAddress), long> _authorized = [];
    private bool _isRunning;

    /// <summary>Whether a message waits to be signed and none is being signed.</summary>
    public bool HasWork => !_isRunning && _queue.Count > 0;

    /// <summary>Queues a message.</summary>
    public void Post(ControllerMessage message)
    {
        if (_queue.Count < MaxQueued)
            _queue.Enqueue(new Sending(this, context.Identity, message, Math.Max(context.Random.Next(), 1)));
        else
            context.Counters.Drop(DropReason.RateLimited);
    }

    /// <summary>Takes the next message to sign. Returns false while one is being signed.</summary>
    public bool TryTake([NotNullWhen(true)] out NodeWork? work)
    {
        work = null;
        if (!HasWork)
            return false;
        _isRunning = true;
        work = _queue.Dequeue();
        return true;
    }

    /// <summary>Whether this node, as a controller, sent a member its configuration within the last three minutes.</summary>
    public bool HasAuthorized(long nowMs, NetworkId network, NodeAddress member) =>
        _authorized.TryGetValue((network, member), out var atMs) && nowMs - atMs < AuthorizationMs;

    public void Clean(long nowMs)
    {
        foreach (var (key, atMs) in _authorized.ToArray())
        {
            if (nowMs - atMs >= AuthorizationMs)
                _authorized.Remove(key);
        }
    }

    private void Complete(long nowMs, Sending sending)
    {
        _isRunning = false;
        var message = sending.Message;
        switch (message.Kind)
        {
            case ControllerMessageKind.Config:
                SendConfig(nowMs, message, sending.Parts);
                break;
            case ControllerMessageKind.Revocation:
                SendRevocation(nowMs, message.To, message.Revocation!);
                break;
            default:
                Refuse(nowMs, message);
                break;
        }
    }

    private void SendConfig(long nowMs, ControllerMessage message, List<byte[]>? parts)
    {
        if (parts is null)
        {
            context.Counters.Drop(DropReason.Malformed);
            return;
        }

        if (_authorized.Count < MaxAuthorizations || _authorized.ContainsKey((message.Network, message.To)))
            _authorized[(message.Network, message.To)] = nowMs;
        if (message.To == context.Address)
        {
            networks.Find(message.Network)?.Configure(nowMs, message.Config!, ConfigOrigin.Answer);
            return;
        }

        foreach (var part in parts)
        {
            using var buffer = context.Buffers.Rent();
            var writer = buffer.CreateWriter();
            if (message.InReplyTo != 0)
                new OkMessage { InReVerb = Verb.NetworkConfigRequest, InRePacketId = message.InReplyTo }.Write(ref writer);
            writer.WriteBytes(part);
            peers.Send(nowMs, message.To, buffer.Complete(
                message.InReplyTo != 0 ? Verb.Ok : Verb.NetworkConfig, writer, isCompressible: true, message.Network.Value));
        }
    }

    private void SendRevocation(long nowMs, NodeAddress member, Revocation revocation)
    {
        if (member == context.Address)
            reader.Add(nowMs, context.Address, revocation);
        else
            credentials.SendRevocation(nowMs, member, revocation);
    }

    private void Refuse(long nowMs, ControllerMessage message)
    {
        var isDenied = message.Kind == ControllerMessageKind.AccessDenied;
        _authorized.Remove((message.Network, message.To));
        if (message.To == context.Address)
        {
            networks.Find(message.Network)?.Refuse(isDenied ? NetworkStatus.AccessDenied : NetworkStatus.NotFound);
            return;
        }

        using var buffer = context.Buffers.Rent();
        var writer = buffer.CreateWriter();
        new ErrorMessage
        {
            InReVerb = Verb.NetworkConfigRequest,
            InRePacketId = message.InReplyTo,
            Code = isDenied ? ErrorCode.NetworkAccessDenied : ErrorCode.ObjectNotFound,
        }.Write(ref writer);
        new NetworkErrorMessage { NetworkId = message.Network }.Write(ref writer);
        peers.Send(nowMs, message.To, buffer.Complete(Verb.Error, writer));
    }

    /// <summary>One message, and the signed parts of its configuration.</summary>
    private sealed class Sending(ControllerOutbox outbox, Identity controller, ControllerMessage message, ulong updateId) : NodeWork
    {
        public ControllerMessage Message => message;

        /// <summary>The parts of the configuration; null if there is none, or if it is longer than members read.</summary>
        public List<byte[]>? Parts { get; private set; }

        private protected override void RunCore()
        {
            if (message.Config is { } config && config.TryWrite(out var text))
                Parts = [.. NetworkConfigSplitter.Split(message.Network, text, updateId, controller)];
        }

        internal override void Complete(long nowMs) => outbox.Complete(nowMs, this);
    }
}
