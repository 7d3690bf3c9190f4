namespace Lanyard.Engine.Networks;

/// <summary>The origin of a configuration.</summary>
internal enum ConfigOrigin
{
    /// <summary>This node's store: the last configuration before a restart.</summary>
    Stored,

    /// <summary>The controller's reply to this node's request.</summary>
    Answer,

    /// <summary>A push of the controller, or of a member that relays it.</summary>
    Pushed,
}
