using Lanyard.Engine.Peers;
using Lanyard.Wire.Verbs;
using Lanyard.Wire;

namespace Lanyard.Engine.Networks;

/// <summary>Asks controllers for this node's configurations (NETWORK_CONFIG_REQUEST).</summary>
internal sealed class ConfigRequester(NodeContext context, JoinedNetworks networks, IPeerLayer peers)
{
    /// <summary>Asks a network's controller.</summary>
    public void Request(long nowMs, VirtualNetwork network)
    {
        var version = context.Version;
        var metadata = new NetworkRequestMetadata
        {
            ProtocolVersion = version.Protocol,
            MajorVersion = version.Major,
            MinorVersion = version.Minor,
            Revision = version.Revision,
            Platform = context.Options.Platform,
        };
        if (!metadata.TryWrite(out var text))
            throw new InvalidOperationException("NodeOptions.Platform is too long.");
        if (network.Controller == context.Address)
        {
            RequestFromSelf(nowMs, network, text);
            return;
        }

        using var buffer = context.Buffers.Rent();
        var writer = buffer.CreateWriter();
        new NetworkConfigRequestMessage
        {
            NetworkId = network.Id,
            Metadata = text,
            Revision = network.Config?.Revision ?? 0,
            Timestamp = network.Config?.Timestamp ?? 0,
        }.Write(ref writer);
        peers.Send(nowMs, network.Controller, buffer.Complete(Verb.NetworkConfigRequest, writer, isCompressible: true, network.Id.Value));
    }

    private void RequestFromSelf(long nowMs, VirtualNetwork network, byte[] metadata)
    {
        if (networks.Controller is not { } controller)
            network.Refuse(NetworkStatus.NotFound);
        else
            controller.TryPost(new ConfigRequest(nowMs, context.Identity, default, network.Id, metadata, PacketId: 0));
    }
}
