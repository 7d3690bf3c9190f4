using Lanyard.Intercept.Linux;

namespace Lanyard.Intercept.Supervision;

/// <summary>Decides which sockets an isolated program may open: Unix domain sockets, kernel interfaces, and redirected sockets.</summary>
/// <param name="isIsolated">Whether the program is isolated from the system's network.</param>
internal sealed class SocketIsolation(bool isIsolated)
{
    private const int TypeMask = 0xf;

    /// <summary>Returns the refusal of a call of socket; null to let the call continue.</summary>
    public CallAnswer? Refuse(SupervisedCall call) =>
        isIsolated && ErrorOf((int)call.Arguments[0], (int)call.Arguments[1], (int)call.Arguments[2]) is var error and not 0 ? CallAnswer.Failed(error) : null;

    private static int ErrorOf(int domain, int type, int protocol)
    {
        if (domain is Libc.DomainUnix or Libc.DomainNetlink or Libc.DomainCrypto)
            return 0;
        if (domain is not (Libc.DomainV4 or Libc.DomainV6))
            return Errno.AddressFamilyNotSupported;
        return (type & TypeMask, protocol) switch
        {
            (Libc.StreamType, 0 or Libc.Tcp or Libc.MultipathTcp) => 0,
            (Libc.DatagramType, 0 or Libc.Udp) => 0,
            (Libc.DatagramType, Libc.EchoV4) when domain == Libc.DomainV4 => 0,
            (Libc.DatagramType, Libc.EchoV6) when domain == Libc.DomainV6 => 0,
            _ => Errno.ProtocolNotSupported,
        };
    }
}
