using System.Net;
using Lanyard.Wire;

namespace Lanyard.AspNetCore;

/// <summary>Who is calling: a feature of connections, and so of requests, that came over a virtual network.</summary>
public interface ILanyardConnectionFeature
{
    /// <summary>The network.</summary>
    LanyardNetwork Network { get; }

    /// <summary>The caller's virtual address and port.</summary>
    IPEndPoint RemoteEndPoint { get; }

    /// <summary>
    /// The node that sent the frames of this connection, proven by the protocol's cryptography; none where it lies behind a bridge.
    /// </summary>
    NodeAddress RemoteNode { get; }

    /// <summary>The stream under the connection.</summary>
    LanyardStream Stream { get; }
}
