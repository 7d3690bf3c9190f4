using Lanyard.Engine.Packets;
using Lanyard.Wire.Verbs;
using Lanyard.Wire;

namespace Lanyard.Engine;

/// <summary>The services that all parts of a node share: identity, options, host, counters, random numbers and packet buffers.</summary>
internal sealed class NodeContext
{
    /// <exception cref="ArgumentException">The random seed is shorter than 32 bytes.</exception>
    public NodeContext(NodeOptions options, Identity identity, INodeHost host)
    {
        Options = options;
        Identity = identity;
        Host = host;
        Secrets = new NodeSecrets(options.RandomSeed.Span);
        Random = new NodeRandom(Secrets.GeneratorSeed);
    }

    /// <summary>The options. The settings of physical paths may change: read them again for each packet.</summary>
    public NodeOptions Options { get; set; }

    /// <summary>The node's identity, with the secret.</summary>
    public Identity Identity { get; }

    /// <summary>The node's address.</summary>
    public NodeAddress Address => Identity.Address;

    /// <summary>The version that peers and controllers are told.</summary>
    public NodeVersion Version => Options.Version;

    public INodeHost Host { get; }

    public NodeSecrets Secrets { get; }

    public NodeRandom Random { get; }

    public NodeCounters Counters { get; } = new();

    public PacketBuffers Buffers { get; } = new();

    /// <summary>Counts and reports a fault of this node. The caller drops the packet that caused it.</summary>
    public void ReportInternalError(Exception exception)
    {
        Counters.Drop(DropReason.InternalError);
        Host.InternalErrorOccurred(exception);
    }
}
