namespace Lanyard.Intercept.Protocol;

/// <summary>The treatment of a TCP socket option on a virtual connection.</summary>
internal enum StreamOptionAction
{
    /// <summary>The option is not end-to-end; the kernel applies it.</summary>
    None,

    /// <summary>The service applies it.</summary>
    Tell,

    /// <summary>The service applies it, if it knows the value.</summary>
    CheckAndTell,

    /// <summary>The option is refused.</summary>
    Refuse,
}

/// <summary>The form of the value of a datagram socket's option, as <c>native/intercept/tables.h</c> names it.</summary>
internal enum DatagramOptionForm
{
    None,

    /// <summary>An option of the socket itself, which the service reads.</summary>
    Setting,

    /// <summary><c>struct ip_mreq</c> or <c>ip_mreqn</c>.</summary>
    GroupV4,

    /// <summary><c>struct ip_mreq_source</c>.</summary>
    SourceV4,

    /// <summary><c>struct ipv6_mreq</c>.</summary>
    GroupV6,

    /// <summary><c>struct group_req</c>.</summary>
    Group,

    /// <summary><c>struct group_source_req</c>.</summary>
    Source,

    /// <summary><c>struct in_addr</c>, <c>ip_mreq</c> or <c>ip_mreqn</c>: an interface.</summary>
    OutgoingV4,

    /// <summary>The index of an interface.</summary>
    OutgoingV6,
}
