namespace Lanyard.Engine.Networks;

/// <summary>The join status of a network.</summary>
public enum NetworkStatus
{
    /// <summary>The controller has not answered yet.</summary>
    RequestingConfiguration,

    /// <summary>The node is a member.</summary>
    Ok,

    /// <summary>The controller refuses this node: it is not authorized.</summary>
    AccessDenied,

    /// <summary>The controller knows no such network, or is no controller.</summary>
    NotFound,

    /// <summary>The controller wants the user to sign in elsewhere first.</summary>
    AuthenticationRequired,
}
