using Lanyard.Intercept.Linux;
using Lanyard.Intercept.Protocol;

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
        if (InterceptTables.IsolatedFamilies.Contains(domain))
            return 0;
        if (domain is not (Libc.DomainV4 or Libc.DomainV6))
            return Errno.AddressFamilyNotSupported;
        return InterceptTables.IsolatedSockets.Contains((domain, type & TypeMask, protocol)) ? 0 : Errno.ProtocolNotSupported;
    }
}
