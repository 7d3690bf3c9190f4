using Lanyard.Intercept.Protocol;
using Lanyard.Primitives;

namespace Lanyard.Intercept.Hub;

/// <summary>A request about a socket, with its endpoints read.</summary>
/// <param name="Virtual">The virtual endpoint that the request names; see <c>native/intercept/protocol.h</c>.</param>
/// <param name="Far">The far end of a datagram, or a source in a group.</param>
/// <param name="Own">An address of this node.</param>
/// <param name="Index">The index of an interface of this node; 0 for any.</param>
/// <param name="Flags">The flags of the request.</param>
internal readonly record struct SocketRequest(InetEndpoint Virtual, InetEndpoint Far, InetAddress Own, uint Index, InterceptFlags Flags)
{
    /// <summary>Reads a request. Returns false if it is malformed.</summary>
    public static bool TryRead(in InterceptRequest request, out SocketRequest read)
    {
        read = default;
        if (request.Magic != InterceptProtocol.Magic || !request.Virtual.TryRead(out var endpoint) || !request.Far.TryRead(out var far)
            || !request.Own.TryRead(out var own))
            return false;
        read = new SocketRequest(endpoint, far, own.Address, request.Own.Scope, request.Flags);
        return true;
    }
}
