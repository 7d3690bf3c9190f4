using System.Net;
using Lanyard.Wire;

namespace Lanyard.AspNetCore;

/// <summary>The caller: a feature of connections, and therefore of requests, over a virtual network.</summary>
public interface ILanyardConnectionFeature
{
    /// <summary>The network.</summary>
    LanyardNetwork Network { get; }

    /// <summary>The caller's virtual address and port.</summary>
    IPEndPoint RemoteEndPoint { get; }

    /// <summary>
    /// The node that sent the frames of this connection, proven by the protocol's cryptography; none if the caller is behind a bridge.
    /// </summary>
    NodeAddress RemoteNode { get; }

    /// <summary>The stream of the connection.</summary>
    LanyardStream Stream { get; }
}
