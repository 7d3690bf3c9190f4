namespace Lanyard.Wire.Verbs;

/// <summary>The reason why a request failed: the code in an <see cref="ErrorMessage"/>.</summary>
public enum ErrorCode : byte
{
    /// <summary>No error. Not sent.</summary>
    None = 0x00,

    /// <summary>The request is invalid.</summary>
    InvalidRequest = 0x01,

    /// <summary>The protocol version is not supported.</summary>
    BadProtocolVersion = 0x02,

    /// <summary>The requested object does not exist; from a controller: the network.</summary>
    ObjectNotFound = 0x03,

    /// <summary>Another identity has this address.</summary>
    IdentityCollision = 0x04,

    /// <summary>The node does not support the operation; for a configuration request: it is not a controller.</summary>
    UnsupportedOperation = 0x05,

    /// <summary>The sender must show a certificate of membership first.</summary>
    NeedMembershipCertificate = 0x06,

    /// <summary>The requester is not a member of the network.</summary>
    NetworkAccessDenied = 0x07,

    /// <summary>Multicasts to this group are not wanted.</summary>
    UnwantedMulticast = 0x08,

    /// <summary>The user must sign in first.</summary>
    NetworkAuthenticationRequired = 0x09,
}
