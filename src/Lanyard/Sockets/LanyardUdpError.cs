using System.Net;
using System.Net.Sockets;

namespace Lanyard;

/// <summary>A delivery error of a sent datagram.</summary>
/// <param name="Remote">The destination.</param>
/// <param name="Error">The error code.</param>
/// <param name="From">The reporting host; this node's own address if a neighbor did not answer.</param>
/// <param name="Mtu">The path MTU in bytes if the datagram was too long; otherwise 0.</param>
public readonly record struct LanyardUdpError(IPEndPoint Remote, SocketError Error, IPAddress From, int Mtu);
