using Lanyard.Engine.Peers;
using Lanyard.Wire.Packets;
using Lanyard.Wire.Verbs;
using Lanyard.Wire;

namespace Lanyard.Engine.Members;

/// <summary>Sends credentials to members (NETWORK_CREDENTIALS).</summary>
internal sealed class CredentialSender(NodeContext context, IPeerLayer peers)
{
    private const int CredentialRoom = 256;

    /// <summary>Sends this node's credentials for a network to a member, in as many packets as they need.</summary>
    public void SendOwn(long nowMs, NodeAddress to, NetworkConfig config)
    {
        var message = new NetworkCredentialsMessage
        {
            Memberships = config.Membership is { } membership ? [membership] : [],
            Tags = config.Tags,
            Ownerships = config.CertificatesOfOwnership,
        };

        // Capabilities carry rules and can be long: each packet takes as many as fit.
        var capabilities = new List<Capability>();
        var room = PacketFormat.MaxPayloadBytes - LengthOf(message) - CredentialRoom;
        foreach (var capability in config.Capabilities)
        {
            var length = LengthOf(new NetworkCredentialsMessage { Capabilities = [capability] });
            if (length > room)
            {
                Send(nowMs, to, message with { Capabilities = capabilities.ToEquatableArray() });
                message = new NetworkCredentialsMessage();
                capabilities.Clear();
                room = PacketFormat.MaxPayloadBytes - CredentialRoom;
            }

            capabilities.Add(capability);
            room -= length;
        }

        Send(nowMs, to, message with { Capabilities = capabilities.ToEquatableArray() });
    }

    /// <summary>Sends a revocation to a member.</summary>
    public void SendRevocation(long nowMs, NodeAddress to, Revocation revocation) => Send(nowMs, to, new NetworkCredentialsMessage { Revocations = [revocation] });

    private int LengthOf(NetworkCredentialsMessage message)
    {
        using var buffer = context.Buffers.Rent();
        var writer = new ByteWriter(buffer.Bytes);
        message.Write(ref writer);
        return writer.Failed ? PacketFormat.MaxPayloadBytes : writer.Position;
    }

    private void Send(long nowMs, NodeAddress to, NetworkCredentialsMessage message)
    {
        using var buffer = context.Buffers.Rent();
        var writer = buffer.CreateWriter();
        message.Write(ref writer);
        if (writer.Failed)
            context.Counters.Drop(DropReason.BadCredential);
        else
            peers.Send(nowMs, to, buffer.Complete(Verb.NetworkCredentials, writer, isCompressible: true));
    }
}
